// The installation's own keys: made once, agreed upon by replicas, versioned, and what is done with them.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { purposeKeyContext } from "../../../src/keys/bindings.ts";
import { createBlindIndex } from "../../../src/keys/blind-index.ts";
import { createInstallationKeys, purposes } from "../../../src/keys/installation-keys.ts";
import { createInstallationSealer } from "../../../src/keys/installation-sealer.ts";
import { createMacs } from "../../../src/keys/macs.ts";
import { createPageTokens } from "../../../src/keys/page-token.ts";
import type { DataKeyRow, KeyState } from "../../../src/keys/ports.ts";
import { dataKeyTable, fakeHome, installationId } from "./doubles.ts";

const place = { kind: "person.password", id: "p1" };
const corrupt = { reason: "DATA_CORRUPT" };

async function start(table = dataKeyTable(), wrapper = fakeHome()) {
  const keys = await createInstallationKeys({ installationId, wrapper, reader: table, rows: await table.load() });
  const macs = createMacs(keys);
  const sealer = createInstallationSealer(installationId, keys);
  return { table, wrapper, keys, macs, sealer, index: createBlindIndex(macs, keys), pages: createPageTokens(sealer) };
}

async function settled(...given: Parameters<typeof start>) {
  const started = await start(...given);
  await started.keys.settle(started.table);
  return started;
}

/** What a rotation will write: version `version` of `purpose`, with the earlier ones in `before`. */
async function rotate(started: Awaited<ReturnType<typeof start>>, purpose: string, version: number, before: KeyState) {
  const { table, wrapper } = started;
  const rows = table.rows.map((row): DataKeyRow => (row.purpose === purpose ? { ...row, state: before } : row));
  const [made] = await wrapper.generateDataKeys([purposeKeyContext(installationId, purpose, version)]);
  rows.push({ purpose, version, wrapped: made!.wrapped, state: "active" });
  return await settled(dataKeyTable(rows), wrapper);
}

describe("installation keys", () => {
  it("are made at the first start, stored wrapped, and the same after the next", async () => {
    const first = await settled();
    const again = await settled(first.table, first.wrapper);
    expect(first.table.rows).toHaveLength(purposes.length);
    expect(again.macs.mac("token-hash", ["t"])).toEqual(first.macs.mac("token-hash", ["t"]));
    const sealed = first.sealer.seal("pepper", place, Buffer.from("phc"));
    expect(again.sealer.open("pepper", place, sealed).toString()).toBe("phc");
  });

  it("are the first replica's when several start at once", async () => {
    const table = dataKeyTable();
    const wrapper = fakeHome();
    const replicas = await Promise.all([start(table, wrapper), start(table, wrapper), start(table, wrapper)]);
    await Promise.all(replicas.map((replica) => replica.keys.settle(table)));
    expect(table.rows).toHaveLength(purposes.length);
    const macs = replicas.map((replica) => replica.macs.mac("blind-index", ["x"]).value.toString("hex"));
    expect(new Set(macs).size).toBe(1);
  });

  it("refuse to start when the home cannot open them, and do not replace them", async () => {
    const { table } = await settled();
    await expect(start(table, fakeHome())).rejects.toThrow(
      /^the database's .* key does not open with the keys of this home/,
    );
    expect(table.rows).toHaveLength(purposes.length);
  });

  it("KEY-04 do not open as a key of another purpose or version", async () => {
    const { table, wrapper } = await settled();
    const [a, b] = table.rows;
    const swapped = table.rows.map((row) => (row === a ? { ...row, wrapped: b!.wrapped } : row));
    await expect(start(dataKeyTable(swapped), wrapper)).rejects.toThrow("does not open");
    const renumbered = table.rows.map((row) => (row === a ? { ...row, version: 2 } : row));
    await expect(start(dataKeyTable(renumbered), wrapper)).rejects.toThrow("does not open");
  });

  it("KEY-06 KEY-07 protect under the newest active version only, and process under earlier ones until they are destroyed", async () => {
    const old = await settled();
    const sealed = old.sealer.seal("pepper", place, Buffer.from("phc"));
    const rotated = await rotate(old, "pepper", 2, "deactivated");
    expect(rotated.sealer.currentVersion("pepper")).toBe(2);
    expect(rotated.sealer.open("pepper", place, sealed).toString()).toBe("phc");
    expect(rotated.sealer.seal("pepper", place, Buffer.from("phc")).readUInt32BE()).toBe(2);
    const destroyed = await rotate(old, "pepper", 2, "destroyed");
    expect(() => destroyed.sealer.open("pepper", place, sealed)).toThrowError(expect.objectContaining(corrupt));
  });

  it("do not protect under a version that is no longer active, however new", async () => {
    const { table, wrapper } = await settled();
    const [made] = await wrapper.generateDataKeys([purposeKeyContext(installationId, "pepper", 2)]);
    table.rows.push({ purpose: "pepper", version: 2, wrapped: made!.wrapped, state: "deactivated" });
    expect((await settled(table, wrapper)).sealer.currentVersion("pepper")).toBe(1);
  });

  it("get a new version when no active one is left", async () => {
    const { table, wrapper } = await settled();
    const retired = table.rows.map((row): DataKeyRow => ({ ...row, state: "destroyed" }));
    const next = await settled(dataKeyTable(retired), wrapper);
    expect(next.sealer.currentVersion("pepper")).toBe(2);
  });
});

describe("sealing under a purpose", () => {
  it("KEY-04 KEY-05 opens for its own purpose, place and version and fails alike for all else", async () => {
    const { sealer } = await settled();
    const sealed = sealer.seal("pepper", place, Buffer.from("phc"));
    const otherVersion = Buffer.from(sealed);
    otherVersion.writeUInt32BE(2);
    const attempts = [
      () => sealer.open("request-record", place, sealed),
      () => sealer.open("pepper", { ...place, id: "p2" }, sealed),
      () => sealer.open("pepper", { ...place, kind: "person.profile" }, sealed),
      () => sealer.open("pepper", place, otherVersion),
      () => sealer.open("pepper", place, Buffer.alloc(3)),
      () => sealer.open("pepper", place, sealed.subarray(0, sealed.length - 1)),
    ];
    for (const attempt of attempts)
      expect(attempt).toThrowError(
        expect.objectContaining({ ...corrupt, message: "the stored data does not open", cause: undefined }),
      );
  });
});

describe("keyed hashes", () => {
  it("match their own parts and no others, and no unknown version, length or purpose", async () => {
    const { macs } = await settled();
    const mac = macs.mac("token-hash", ["family", "1"]);
    expect(macs.matches("token-hash", ["family", "1"], mac)).toBe(true);
    expect(macs.matches("token-hash", ["family1", ""], mac)).toBe(false);
    expect(macs.matches("refresh-token", ["family", "1"], mac)).toBe(false);
    expect(macs.matches("token-hash", ["family", "1"], { ...mac, version: 2 })).toBe(false);
    expect(macs.matches("token-hash", ["family", "1"], { ...mac, value: mac.value.subarray(0, 16) })).toBe(false);
    expect(() => macs.mac("token-hash", ["x"], 9)).toThrowError(expect.objectContaining(corrupt));
  });
});

describe("blind index", () => {
  it("of a replica whose keys another one's replaced is that of the others, also for what it was asked before", async () => {
    const table = dataKeyTable();
    const wrapper = fakeHome();
    const [first, late] = [await start(table, wrapper), await start(table, wrapper)];
    const own = late.index.of("address", "192.0.2.7").value;
    await first.keys.settle(table);
    await late.keys.settle(table);
    expect(late.index.of("address", "192.0.2.7").value).not.toEqual(own);
    expect(late.index.of("address", "192.0.2.7").value).toEqual(first.index.of("address", "192.0.2.7").value);
    expect(late.index.of("address", "192.0.2.7").value).toEqual(late.index.candidates("address", "192.0.2.7")[0]);
  });

  it("finds a name however it is written, and not under another field", async () => {
    const { index } = await settled();
    const value = index.of("login_name", "Zo\u00eb@Example.org").value;
    for (const same of ["zoe\u0308@example.ORG", " ZO\u00cb@EXAMPLE.ORG ", "\uff5ao\u00eb@example.org"]) {
      expect(index.of("login_name", same).value).toEqual(value);
    }
    expect(index.of("address", "zo\u00eb@example.org").value).not.toEqual(value);
    expect(index.of("login_name", "zoe@example.org").value).not.toEqual(value);
  });

  it("is the same for a text and for the text it normalises to, whatever the text", async () => {
    const { index } = await settled();
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const spaced = ` ${text.normalize("NFD")}\t`;
        expect(index.of("f", spaced).value).toEqual(index.of("f", text).value);
      }),
    );
  });

  it("looks under every version that may be stored, the current one first", async () => {
    const old = await settled();
    const before = old.index.of("login_name", "zoe").value;
    const rotated = await rotate(old, "blind-index", 2, "deactivated");
    const candidates = rotated.index.candidates("login_name", "zoe");
    expect(candidates).toEqual([rotated.index.of("login_name", "zoe").value, before]);
  });
});

describe("page tokens", () => {
  const scope = { method: "gatehouse.secrets.v1.SecretsService/ListSecrets", principalId: "p1", filter: "team" };
  const now = new Date(Date.UTC(2026, 10, 21));
  const invalid = expect.objectContaining({ reason: "PAGE_TOKEN_INVALID", cause: undefined });

  it("AZ-08 continue their own listing for an hour", async () => {
    const { pages } = await settled();
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (position, filter) => {
        const own = { ...scope, filter };
        return pages.open(own, pages.seal(own, position, now), now) === position;
      }),
    );
    const token = pages.seal(scope, "x", now);
    expect(pages.open(scope, token, new Date(now.getTime() + 3_599_999))).toBe("x");
    expect(() => pages.open(scope, token, new Date(now.getTime() + 3_600_000))).toThrowError(invalid);
    expect(pages.open(scope, "", now)).toBeUndefined();
  });

  it("AZ-08 are refused for another method, principal or filter, and where the borders between these moved", async () => {
    const { pages } = await settled();
    const token = pages.seal(scope, "x", now);
    const others = [
      { ...scope, method: `${scope.method}Versions` },
      { ...scope, principalId: "p2" },
      { ...scope, filter: "" },
      { ...scope, principalId: "p1t", filter: "eam" },
    ];
    for (const other of others) expect(() => pages.open(other, token, now)).toThrowError(invalid);
  });

  it("AZ-08 are refused when forged, changed, respelled or oversized", async () => {
    const { pages } = await settled();
    const token = pages.seal(scope, "x", now);
    for (let at = 0; at < token.length; at += 1) {
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      expect(() => pages.open(scope, changed, now), `character ${at}`).toThrowError(invalid);
    }
    for (const spelled of [`${token}=`, `${token}\n`, ` ${token}`, `${token}AAAA`, "A".repeat(10_000)]) {
      expect(() => pages.open(scope, spelled, now)).toThrowError(invalid);
    }
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(() => pages.open(scope, text, now)).toThrowError(invalid);
      }),
    );
  });
});
