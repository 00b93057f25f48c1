// What the door uses of the inside of grpc-js: docs/decisions/0011-grpc-js-internals.md. Fails when an upgrade moves it.
import { createRequire } from "node:module";
import { Server } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { createEntrance, LibraryCall } from "../../../../src/rpc/grpc/library.ts";

const make = () => createEntrance({}, { maxSettings: 7 }, () => {});
const { dependencies } = createRequire(import.meta.url)("../../../../package.json") as {
  readonly dependencies: Readonly<Record<string, string>>;
};

const restore: (() => void)[] = [];
afterEach(() => {
  for (const put of restore.splice(0)) put();
});

function takeAway(owner: object, part: string): void {
  const was = Object.getOwnPropertyDescriptor(owner, part);
  if (was === undefined) throw new Error(`${part} is not there`);
  restore.push(() => Object.defineProperty(owner, part, was));
  Object.defineProperty(owner, part, { value: undefined, configurable: true });
}

describe("the inside of grpc-js", () => {
  it("is where this release keeps it, and the release is pinned", () => {
    const entrance = make();
    expect(entrance.http2Server.listenerCount("stream")).toBe(1);
    entrance.close();
    expect(dependencies["@grpc/grpc-js"]).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("has the fields of a call that the door reads", () => {
    const text = LibraryCall.toString();
    for (const field of ["metadata", "handler", "receivedHalfClose", "metadataSent"])
      expect(text).toContain(`this.${field} `);
  });

  it.each(["_verifyContentType", "_runHandlerForCall"])("without %s refuses to start", (part) => {
    takeAway(Server.prototype, part);
    expect(make).toThrow("elsewhere");
  });

  it.each(["getDeadline", "sendStatus", "handleDataFrame", "decompressMessage"])(
    "without %s refuses to start",
    (part) => {
      takeAway(LibraryCall.prototype, part);
      expect(make).toThrow("elsewhere");
    },
  );
});
