// The clusters together: which keys a token is checked with, and what happens when there are none.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openIssuers } from "../../../src/kubernetes/issuers.ts";
import { createFakeLogger } from "../../fakes/logger.ts";

const now = new Date("2026-11-21T12:00:00.000Z");
const clusters = ["a", "b"].map((name) => ({ name, ...generateKeyPairSync("ec", { namedCurve: "P-256" }) }));
const issuerOf = (name: string) => `https://${name}.test`;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-issuers-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** Two clusters whose keys have the same name, as those of two fresh clusters may. */
async function open() {
  for (const { name, publicKey } of clusters) {
    const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "k1" }];
    await writeFile(join(directory, `${name}.json`), JSON.stringify({ keys }));
  }
  const lines = clusters.map(({ name }) => ({ issuer: issuerOf(name), jwks_file: join(directory, `${name}.json`) }));
  const path = join(directory, "issuers.jsonl");
  await writeFile(path, lines.map((line) => JSON.stringify(line)).join("\n"));
  const logger = createFakeLogger();
  return { issuers: await openIssuers({ file: { setting: "TEST", path }, audience: "gatehouse", logger }), logger };
}

function token(name: string, key: KeyObject, kid = "k1"): string {
  const iat = now.getTime() / 1_000;
  const claims = { iss: issuerOf(name), aud: "gatehouse", sub: "system:serviceaccount:shop:cart", iat, exp: iat + 600 };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const input = `${encode({ alg: "ES256", kid })}.${encode(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

const [a, b] = clusters.map(({ privateKey }) => privateKey) as [KeyObject, KeyObject];

describe("the clusters", () => {
  it("are told apart by the issuer, and each is believed about itself alone", async () => {
    const { issuers } = await open();
    expect([issuers.knows(issuerOf("a")), issuers.knows(issuerOf("c")), issuers.knows("__proto__")]).toEqual([
      true,
      false,
      false,
    ]);
    await expect(issuers.verify(token("a", a), now)).resolves.toMatchObject({ issuer: issuerOf("a") });
    await expect(issuers.verify(token("b", b), now)).resolves.toMatchObject({ issuer: issuerOf("b") });
  });

  it("CVE-2025-49825 give one bare answer to whatever is wrong, and the trail its reason", async () => {
    const { issuers } = await open();
    for (const [text, auditReason] of [
      [token("a", b), "WORKLOAD_TOKEN_SIGNATURE_INVALID"],
      [token("a", a, "k2"), "WORKLOAD_TOKEN_SIGNATURE_INVALID"],
      [token("c", a), "WORKLOAD_ISSUER_UNKNOWN"],
      ["x.y.z", "WORKLOAD_TOKEN_MALFORMED"],
    ] as const) {
      const refused = { reason: "CREDENTIAL_INVALID", message: "the credential is not accepted", auditReason };
      await expect(issuers.verify(text, now)).rejects.toMatchObject(refused);
    }
    const late = new Date(now.getTime() + 600_000);
    await expect(issuers.verify(token("a", a), late)).rejects.toMatchObject({ auditReason: "WORKLOAD_TOKEN_REFUSED" });
  });

  it("are unavailable, and not wrong, when their keys cannot be had; and are asked again", async () => {
    const { issuers, logger } = await open();
    const keys = join(directory, "a.json");
    await rm(keys);
    await expect(issuers.verify(token("a", a), now)).rejects.toMatchObject({ reason: "WORKLOAD_ISSUER_UNAVAILABLE" });
    expect(logger.lines).toMatchObject([{ level: "warn", fields: { issuer: issuerOf("a") } }]);
    await expect(issuers.verify(token("b", b), now)).resolves.toBeDefined();
    await writeFile(
      keys,
      JSON.stringify({ keys: [{ ...clusters[0]?.publicKey.export({ format: "jwk" }), kid: "k1" }] }),
    );
    const later = new Date(now.getTime() + 1_000);
    await expect(issuers.verify(token("a", a), later)).resolves.toBeDefined();
  });
});
