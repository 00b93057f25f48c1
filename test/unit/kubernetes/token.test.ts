// Kubernetes tokens: what is read, what a signature is checked against, and which claims are believed.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { hasSignature, readEvidence, readToken } from "../../../src/kubernetes/token.ts";

const now = new Date("2026-11-21T12:00:00.000Z");
const seconds = now.getTime() / 1_000;
const good = {
  iss: "https://cluster.test",
  aud: ["gatehouse", "other"],
  sub: "system:serviceaccount:shop:cart",
  iat: seconds,
  nbf: seconds,
  exp: seconds + 600,
};
const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");
const header = { alg: "RS256", kid: "k1" };
const text = (head: unknown = header, claims: unknown = good, tail = "AA") =>
  `${encode(head)}.${encode(claims)}.${tail}`;

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });

function signed(alg: string, key: KeyObject): string {
  const input = text({ alg, kid: "k1" }).split(".").slice(0, 2).join(".");
  const options = { key, dsaEncoding: "ieee-p1363" as const };
  return `${input}.${sign(`sha${alg.slice(2)}`, Buffer.from(input), options).toString("base64url")}`;
}

async function verifies(token: string, key: KeyObject): Promise<boolean> {
  const read = readToken(token);
  return read !== undefined && (await hasSignature(read, key));
}

describe("the form of a token", () => {
  it("is three parts in their one spelling, with no header member that could steer anything", () => {
    expect(readToken(text())).toMatchObject({ algorithm: "RS256", kid: "k1", claims: good });
    expect(readToken(text({ ...header, typ: "JWT" }))).toBeDefined();
  });

  it.each([
    ["empty", ""],
    ["two parts", text().slice(0, text().lastIndexOf("."))],
    ["four parts", `${text()}.AA`],
    ["a part that is empty", text(header, good, "")],
    ["padding", `${text()}=`],
    ["another spelling of the same bytes", text(header, good, "AB")],
    ["alg none", text({ ...header, alg: "none" })],
    ["a shared secret's algorithm", text({ ...header, alg: "HS256" })],
    ["no kid", text({ alg: "RS256" })],
    ["jwk", text({ ...header, jwk: {} })],
    ["jku", text({ ...header, jku: "https://evil.test" })],
    ["x5c", text({ ...header, x5c: [] })],
    ["crit", text({ ...header, crit: ["b64"] })],
    ["another kind", text({ ...header, typ: "at+jwt" })],
    ["a header that is an array", text([])],
    ["claims that are none", text(header, "x")],
    ["too long", text(header, { ...good, pad: "x".repeat(9_000) })],
  ])("JWT-02 JWT-03 JWT-13 CVE-2025-49825 is refused when it is wrong: %s", (_, token) => {
    expect(readToken(token)).toBeUndefined();
  });
});

describe("the signature", () => {
  it.each([
    ["RS256", rsa],
    ["RS512", rsa],
    ["ES256", p256],
    ["ES384", p384],
  ] as const)(
    "is right under the key that made it (%s), and under no other",
    async (alg, { privateKey, publicKey }) => {
      const token = signed(alg, privateKey);
      expect(await verifies(token, publicKey)).toBe(true);
      const foreign = [rsa, p256, p384].filter((pair) => pair.publicKey !== publicKey);
      for (const other of foreign) expect(await verifies(token, other.publicKey)).toBe(false);
      const [head, , tail] = token.split(".");
      expect(
        await verifies(`${head}.${encode({ ...good, sub: "system:serviceaccount:shop:admin" })}.${tail}`, publicKey),
      ).toBe(false);
    },
  );

  it.each([
    ["ES256", rsa],
    ["RS256", p256],
    ["ES384", p256],
    ["ES256", p384],
  ] as const)("JWT-03 is wrong when %s stands over what a key of another kind or curve signed", async (alg, pair) => {
    expect(await verifies(signed(alg, pair.privateKey), pair.publicKey)).toBe(false);
  });

  it("is wrong when it is zeros", async () => {
    for (const key of [p256.publicKey, rsa.publicKey])
      expect(await verifies(text({ alg: "ES256", kid: "k1" }, good, "A".repeat(86)), key)).toBe(false);
  });
});

describe("the claims", () => {
  const evidence = (claims: object) => readEvidence({ ...good, ...claims }, "gatehouse", now);

  it("name issuer, service account and end", () => {
    const expected = { issuer: good.iss, subject: good.sub, expiresAt: new Date((seconds + 600) * 1_000) };
    expect(evidence({})).toEqual(expected);
    expect(evidence({ aud: "gatehouse", nbf: undefined })).toEqual(expected);
  });

  it.each([
    ["another audience", { aud: ["https://kubernetes.default.svc"] }],
    ["no audience", { aud: undefined }],
    ["an audience that only begins so", { aud: "gatehouse2" }],
    ["expired", { exp: seconds }],
    ["no end", { exp: undefined }],
    ["an end that is text", { exp: "9999999999" }],
    ["an end in a year, as tokens for the cluster itself have it", { exp: seconds + 31_536_000 }],
    ["not yet valid", { nbf: seconds + 61 }],
    ["made in the future", { iat: seconds + 61, exp: seconds + 661 }],
    ["no beginning", { iat: undefined }],
    ["a node", { sub: "system:node:n1" }],
    ["a subject of more parts", { sub: "system:serviceaccount:shop:cart:x" }],
    ["a subject over two lines", { sub: "system:serviceaccount:shop:cart\n" }],
    ["no issuer", { iss: undefined }],
  ])("CVE-2025-49825 are refused: %s", (_, claims) => {
    expect(evidence(claims)).toBeUndefined();
  });
});
