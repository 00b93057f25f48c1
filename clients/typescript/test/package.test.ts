// What the package says of itself is true.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { userAgent } from "../src/transport/user-agent.ts";

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

describe("package.json", () => {
  it("has the version that the client tells the server", () => {
    expect(userAgent).toBe(`gatehouse-client/${manifest.version}`);
  });

  it("has no install scripts and asks for protobuf as a peer", () => {
    for (const hook of ["preinstall", "install", "postinstall", "prepare"])
      expect(manifest.scripts?.[hook]).toBeUndefined();
    expect(manifest.peerDependencies["@bufbuild/protobuf"]).toMatch(/^\^2/);
  });
});

describe("the core", () => {
  const core = ["core", "credentials", "errors"];

  it.each(core)(
    "imports nothing of Node nor of grpc-js in %s, so that a browser transport can stand on it",
    async (folder) => {
      const { globSync } = await import("node:fs");
      for (const file of globSync(new URL(`../src/${folder}/*.ts`, import.meta.url).pathname)) {
        expect(readFileSync(file, "utf8")).not.toMatch(/from "(node:|@grpc\/|\.\.\/transport)/);
      }
    },
  );
});
