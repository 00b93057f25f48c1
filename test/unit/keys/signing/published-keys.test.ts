// The list of public keys: the same list and the same objects until something changes.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { publicJwk, thumbprint } from "../../../../src/keys/jwk.ts";
import { createPublishedKeys } from "../../../../src/keys/signing/published-keys.ts";
import type { SigningKeyRow } from "../../../../src/keys/signing/store.ts";
import { createFakeLogger } from "../../../fakes/logger.ts";

const at = (offset: number) => new Date(Date.UTC(2026, 10, 21) + offset);
const life = 60_000;

function row(number: number, more: Partial<SigningKeyRow> = {}): SigningKeyRow {
  const jwk = publicJwk(generateKeyPairSync("ed25519").publicKey)!;
  return {
    kid: thumbprint(jwk),
    algorithm: "EdDSA",
    number,
    home: "local",
    handle: "h",
    jwk: { ...jwk },
    createdAt: at(0),
    activatesAt: at(0),
    deactivatesAt: undefined,
    verifiesUntil: undefined,
    compromisedAt: undefined,
    destroyedAt: undefined,
    ...more,
  };
}

describe("published keys", () => {
  it("JWT-20 are one list until something changes, so that nobody imports them again for nothing", () => {
    const published = createPublishedKeys({ tokenLifeMs: life, logger: createFakeLogger() });
    const [one, two] = [
      row(1, { deactivatesAt: at(10_000), verifiesUntil: at(10_000 + life) }),
      row(2, { activatesAt: at(10_000) }),
    ];
    published.adopt([one, two]);
    const first = published.at(at(0));
    expect(first.map(({ kid }) => kid)).toEqual([one.kid, two.kid]);
    published.adopt([one, two].map((same) => structuredClone(same)));
    for (const offset of [0, 5_000, 10_000, 9_999 + life]) expect(published.at(at(offset))).toBe(first);
    const later = published.at(at(10_000 + life));
    expect(later.map(({ kid }) => kid)).toEqual([two.kid]);
    // A clock that is set back sees what it saw before.
    expect(published.at(at(0)).map(({ kid }) => kid)).toEqual([one.kid, two.kid]);
  });

  it("keep the object of a key for as long as it is known, whatever the database says of it later", () => {
    const published = createPublishedKeys({ tokenLifeMs: life, logger: createFakeLogger() });
    const one = row(1);
    const [before] = published.adopt([one]);
    const [after] = published.adopt([{ ...one, jwk: row(2).jwk, handle: "other" }]);
    expect(after?.jwk).toBe(before?.jwk);
    expect(after?.handle).toBe("other");
  });

  it("strike a key out at once and for good", () => {
    const published = createPublishedKeys({ tokenLifeMs: life, logger: createFakeLogger() });
    const [one, two] = [row(1), row(2)];
    published.adopt([one, two]);
    published.at(at(0));
    published.strikeOut(one.kid);
    expect(published.at(at(0)).map(({ kid }) => kid)).toEqual([two.kid]);
    published.adopt([one, two]);
    expect(published.at(at(0)).map(({ kid }) => kid)).toEqual([two.kid]);
  });

  it.each<[string, Partial<SigningKeyRow>]>([
    ["another's name", { kid: "A".repeat(43) }],
    ["another algorithm", { algorithm: "ES256" }],
    ["a private member", { jwk: { ...row(1).jwk, d: "AAAA" } }],
    ["no key", { jwk: {} }],
  ])("JWT-20 JWT-21 leave out a row with %s, and say so", (_title, more) => {
    const logger = createFakeLogger();
    const published = createPublishedKeys({ tokenLifeMs: life, logger });
    const good = row(2);
    expect(published.adopt([row(1, more), good]).map(({ kid }) => kid)).toEqual([good.kid]);
    expect(published.at(at(0)).map(({ kid }) => kid)).toEqual([good.kid]);
    expect(logger.lines).toMatchObject([{ level: "error" }]);
  });
});
