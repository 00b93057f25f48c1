// The supply chain's own checks, each with a fault planted for it.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { root } from "../../tools/source/files.ts";
import { judgeAdvisories } from "../../tools/supply-chain/advisories.ts";
import { isAllowed, licenceFaults } from "../../tools/supply-chain/licences.ts";
import { type Lock, type Locked, lockFaults, type Manifest } from "../../tools/supply-chain/lock.ts";
import { type Bill, billFaults, shippedBill } from "../../tools/supply-chain/sbom.ts";

const read = <T>(path: string): T => JSON.parse(readFileSync(`${root}/${path}`, "utf8"));
const manifest: Manifest = { allowScripts: { node: true }, workspaces: ["gen"] };
const integrity = `sha512-${"A".repeat(86)}==`;
const good: Locked = { version: "1.0.0", integrity, license: "MIT" };

const locked = (change: Locked, path = "node_modules/thing"): Lock => ({
  lockfileVersion: 3,
  packages: {
    "": {},
    gen: {},
    "node_modules/@gatehouse/proto": { link: true, resolved: "gen" },
    [path]: { ...good, ...change },
  },
});

describe("the lock file", () => {
  it("DAT-06 P-10 of this repository is right", () => {
    expect(lockFaults(read<Lock>("package-lock.json"), read<Manifest>("package.json"))).toEqual([]);
    expect(lockFaults(locked({}), manifest)).toEqual([]);
  });

  const unbound = { version: "1.0.0", license: "MIT" };
  it.each<[string, Lock, string]>([
    ["an address", locked({ resolved: "https://elsewhere.example/thing.tgz" }), "names where it comes from"],
    ["a git address", locked({ resolved: "git+ssh://git@elsewhere.example/thing.git#1" }), "names where it comes from"],
    ["no hash", { ...locked({}), packages: { "node_modules/thing": unbound } }, "is not bound to its bytes"],
    [
      "no hash of an optional build that is shipped",
      {
        ...locked({}),
        packages: { "node_modules/thing": { ...unbound, optional: true, os: ["linux"], cpu: ["arm"] } },
      },
      "is not bound to its bytes",
    ],
    ["a weak hash", locked({ integrity: "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=" }), "is bound weakly"],
    ["an unknown install script", locked({ hasInstallScript: true }), "has an unknown install script"],
    [
      "a script that only a prototype allows",
      locked({ hasInstallScript: true }, "node_modules/toString"),
      "install script",
    ],
    ["a package under another's name", locked({ name: "other" }), "is another package under that name"],
    ["a package of ours from the registry", locked({}, "node_modules/@gatehouse/client"), "is ours"],
    ["one of ours nested", locked({}, "node_modules/a/node_modules/@gatehouse/proto"), "is ours"],
    ["the server itself from the registry", locked({}, "node_modules/gatehouse"), "is ours"],
    ["a link out of the house", locked({ link: true, resolved: "../elsewhere" }), "is a link to no workspace"],
    ["a dependency by git", locked({ dependencies: { other: "github:a/b" } }), "takes other from outside the registry"],
    ["a dependency by URL", locked({ optionalDependencies: { other: "https://e.example/x.tgz" } }), "takes other from"],
    ["a dependency by file", locked({ peerDependencies: { other: "file:../x" } }), "takes other from outside"],
    ["a dependency by another name", locked({ dependencies: { other: "npm:evil@1" } }), "takes other from outside"],
    ["an older form", { lockfileVersion: 1, packages: {} }, "another version"],
  ])("DAT-06 is refused with %s", (_what, lock, fault) => {
    expect(lockFaults(lock, manifest)).toEqual([expect.stringContaining(fault)]);
  });
});

describe("licences", () => {
  const installed = (license?: unknown) => () => ({ license });

  it.each(["MIT", "Apache-2.0", "(Apache-2.0 AND BSD-3-Clause)", "(GPL-3.0 OR MIT)", "0BSD"])(
    "P-10 allow %s",
    (text) => {
      expect(isAllowed(text)).toBe(true);
    },
  );

  it.each(["GPL-3.0-only", "AGPL-3.0", "(MIT AND GPL-2.0)", "SEE LICENSE IN x", "UNLICENSED", "", "((MIT))", "MITT"])(
    "P-10 refuse %s",
    (text) => {
      expect(isAllowed(text)).toBe(false);
    },
  );

  it("P-10 are asked of what is shipped, on disk first, and must be what the lock file says", () => {
    expect(licenceFaults(locked({}), () => undefined)).toEqual([]);
    expect(licenceFaults(locked({}), installed("MIT"))).toEqual([]);
    expect(licenceFaults(locked({}), installed("AGPL-3.0"))).toEqual([
      "thing has another licence than the lock file says",
    ]);
    expect(licenceFaults(locked({}), installed())).toEqual(["thing names no licence"]);
    expect(licenceFaults(locked({ license: "AGPL-3.0" }), () => undefined)).toEqual(["thing has the licence AGPL-3.0"]);
    expect(licenceFaults(locked({ license: "AGPL-3.0", dev: true }), () => undefined)).toEqual([]);
  });
});

describe("advisories", () => {
  const report = (severity: string, nodes = ["node_modules/thing"]) => ({
    vulnerabilities: {
      thing: {
        name: "thing",
        nodes,
        via: [{ url: "https://github.com/advisories/GHSA-1", severity, title: "bad" }, "other"],
      },
    },
  });
  const judge = (answer: unknown, lock = locked({}), until?: string) =>
    judgeAdvisories(answer, {
      lock,
      accepted: until === undefined ? [] : [{ id: "GHSA-1", reason: "not reached", until }],
      today: "2026-11-21",
    });

  it("P-10 of what is shipped fail the check, however small", () => {
    expect(judge(report("low"))).toEqual({ asked: true, faults: ["thing: GHSA-1 (low) bad"] });
    expect(judge({ vulnerabilities: {} })).toEqual({ asked: true, faults: [] });
  });

  it("P-10 of what is built with fail it when they are grave", () => {
    expect(judge(report("moderate"), locked({ dev: true })).faults).toEqual([]);
    expect(judge(report("high"), locked({ dev: true })).faults).toHaveLength(1);
    expect(judge(report("low", ["node_modules/unknown"]), locked({ dev: true })).faults).toHaveLength(1);
  });

  it("P-10 that were accepted pass until the day that was set", () => {
    expect(judge(report("high"), locked({}), "2026-11-21").faults).toEqual([]);
    expect(judge(report("high"), locked({}), "2026-11-20").faults).toEqual([
      "thing: GHSA-1 was accepted until 2026-11-20",
    ]);
  });

  it.each([undefined, null, {}, { message: "405 Method Not Allowed" }, "text"])(
    "P-10 that nobody answered for are no pass: %j",
    (answer) => {
      expect(judge(answer)).toEqual({ asked: false, faults: [] });
    },
  );
});

describe("the bill of materials", () => {
  const component = (name: string) => ({
    name,
    version: "1.0.0",
    purl: `pkg:npm/${name.replace("@", "%40")}@1.0.0`,
    "bom-ref": `${name}@1.0.0`,
    hashes: [{ alg: "SHA-512", content: "00" }],
    externalReferences: [{ type: "distribution" }, { type: "vcs" }],
  });
  const bill = (...names: string[]): Bill => ({
    bomFormat: "CycloneDX",
    components: names.map(component),
    dependencies: names.map((name) => ({ ref: `${name}@1.0.0` })),
  });
  const lock = locked({}, "node_modules/@scope/thing");

  it("DAT-06 holds what is shipped, by name, version and hash, and no address", () => {
    const shipped = shippedBill(bill("@scope/thing", "tool"), lock);
    expect(shipped.components).toMatchObject([{ name: "@scope/thing", externalReferences: [{ type: "vcs" }] }]);
    expect(shipped.dependencies).toEqual([{ ref: "@scope/thing@1.0.0" }]);
    expect(billFaults(shipped, lock, () => true)).toEqual([]);
  });

  it("DAT-06 that lacks something shipped, or its hash, is refused", () => {
    expect(billFaults(bill("other"), lock, () => true)).toEqual(["@scope/thing@1.0.0 is not in the bill of materials"]);
    const bare = { ...bill(), components: [{ ...component("@scope/thing"), hashes: [] }] };
    expect(billFaults(bare, lock, () => true)).toEqual(["@scope/thing@1.0.0 has no hash in the bill"]);
    expect(billFaults({ ...bill(), bomFormat: "SPDX" }, lock, () => true)).toHaveLength(1);
    expect(billFaults(bill("other"), lock, () => false)).toEqual([]);
  });
});
