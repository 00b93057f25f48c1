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

/** Every package that a file and what it imports ask for at run time. */
function packagesOf(file: URL, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(file.href)) return packages;
  seen.add(file.href);
  const imports = readFileSync(file, "utf8").matchAll(/^(?:import|export)(?! type)[^;]*? from "([^"]+)";/gm);
  for (const [, specifier = ""] of imports) {
    const found = specifier.startsWith(".") ? packagesOf(new URL(specifier, file), seen) : [specifier];
    for (const name of found) packages.add(name);
  }
  return packages;
}

describe("what a browser loads", () => {
  it("asks for nothing of Node nor of grpc-js", () => {
    const packages = [...packagesOf(new URL("../src/web.ts", import.meta.url))];
    expect(packages).toContain("@connectrpc/connect-web");
    expect(
      packages.filter((name) => !/^@(bufbuild\/protobuf|connectrpc\/connect(-web)?|gatehouse\/proto)/.test(name)),
    ).toEqual([]);
  });

  it("would be caught if it did: what Node loads asks for both", () => {
    const packages = packagesOf(new URL("../src/index.ts", import.meta.url));
    expect(packages).toContain("@grpc/grpc-js");
    expect(packages).toContain("node:tls");
  });
});
