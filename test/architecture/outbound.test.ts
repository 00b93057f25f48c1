// No method can be made to reach another machine, because nothing that a method uses can.
import { describe, expect, it } from "vitest";
import { outboundFaults } from "./outbound.ts";
import { readSource, sourceFile } from "./source.ts";

describe("connections to elsewhere", () => {
  it("AZ-10 are opened by nothing in src but the driver of the database", () => {
    expect(readSource("src").flatMap(outboundFaults)).toEqual([]);
  });

  it.each([
    `import { get } from "node:https";`,
    `import { request } from "undici";`,
    `import { lookup } from "node:dns/promises";`,
    `import { connect } from "node:net";`,
    `const { get } = await import("node:http");`,
    "await fetch(url);",
    "globalThis.fetch(url);",
    "new WebSocket(url);",
  ])("are found in %s", (text) => {
    expect(outboundFaults(sourceFile("src/auth/auth/login.ts", text))).toHaveLength(1);
  });

  it("are not found in types and in what only reads addresses", () => {
    const text = `import type { Socket } from "node:net";\nimport { connect } from "../postgres/connection.ts";`;
    expect(outboundFaults(sourceFile("src/auth/auth/login.ts", text))).toEqual([]);
  });
});
