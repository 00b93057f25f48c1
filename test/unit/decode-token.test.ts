// `gatehouse decode`: shows what a token says, says that nothing was verified, and never shows what makes it a credential.
import { describe, expect, it } from "vitest";
import { describeToken } from "../../src/decode-token.ts";
import { StartRefused } from "../../src/kernel/start-refused.ts";

const part = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const signature = Buffer.alloc(64, 0xa5).toString("base64url");
const header = { alg: "ES256", typ: "at+jwt", kid: "k1" };
const tokenOf = (claims: unknown, head: unknown = header) => `${part(head)}.${part(claims)}.${signature}`;

describe("describeToken", () => {
  it("M-03 shows header, claims and times, and that nothing was verified", () => {
    const shown = describeToken(tokenOf({ sub: "prn_x", exp: 1_795_000_000, iat: 1_794_998_200, gen: 3 }));
    expect(shown).toContain('"alg": "ES256"');
    expect(shown).toContain('"sub": "prn_x"');
    expect(shown).toContain("exp       2026-11-18T11:06:40.000Z");
    expect(shown).toContain("iat       2026-11-18T10:36:40.000Z");
    expect(shown).not.toContain("gen       ");
    expect(shown).toContain("signature: 64 bytes, not shown");
    expect(shown).toContain("NOT VERIFIED: anybody can write a token that says this.");
  });

  it("P-05 never shows the signature, nor the token as it came", () => {
    const shown = describeToken(tokenOf({ sub: "x" }));
    expect(shown).not.toContain(signature.slice(0, 8));
    expect(shown).not.toContain(part({ sub: "x" }));
  });

  it("takes it with white space around, and as it stands in a header", () => {
    const token = tokenOf({ sub: "x" });
    expect(describeToken(`\n Bearer ${token} \n`)).toBe(describeToken(token));
  });

  it("JWT-03 JWT-13 shows what no verifier would take", () => {
    const bare = `${part({ alg: "none", jku: "https://evil.example" })}.${part({ sub: "x" })}.`;
    expect(describeToken(bare)).toContain('"jku": "https://evil.example"');
    expect(describeToken(bare)).toContain("signature: none");
  });

  it("JWT-17 says where other readers may read something else", () => {
    expect(describeToken(tokenOf('{"sub":"a","sub":"b"}'))).toContain("(doubled or deeply nested members");
    expect(describeToken(tokenOf({ sub: "a" }))).not.toContain("doubled");
  });

  it("shows of an encrypted token its header alone", () => {
    const shown = describeToken(`${part({ alg: "ECDH-ES", enc: "A256GCM" })}.a.b.secretpart.d`);
    expect(shown).toContain('"enc": "A256GCM"');
    expect(shown).toContain("claims: encrypted for the audience");
    expect(shown).not.toContain("secretpart");
  });

  it.each(["ghr_abc.def.ghi", "ghk_abc", "ghs_abc"])("says that %s is opaque, and no more", (text) => {
    expect(describeToken(text)).toContain("opaque");
    expect(describeToken(text)).not.toContain("abc");
  });

  it("writes nothing that a terminal would obey", () => {
    const shown = describeToken(tokenOf({ name: "\u001b[2J\u202e\u009b31m\u0007\u2028ü" }));
    expect(shown).toMatch(/^[\n -~]*$/);
    expect(shown).toContain("\\u202e");
  });

  it.each([
    "",
    "x",
    "a.b",
    "a.b.c.d",
    "a.b.c.d.e.f",
    "!!.!!.!!",
    `${part("no json")}.${part({})}.x`,
    `${part(header)}.${part('"text"')}.x`,
    `${part(header)}.${part("null")}.x`,
    `..`,
  ])("refuses what is no token, without a word of it: %j", (text) => {
    expect(() => describeToken(text)).toThrow(StartRefused);
    try {
      describeToken(text);
    } catch (error) {
      if (text.length > 3) expect((error as Error).message).not.toContain(text);
    }
  });

  it("survives times that no calendar has", () => {
    expect(describeToken(tokenOf({ exp: 1e300, iat: -1, nbf: "soon", auth_time: null }))).toContain(
      "1969-12-31T23:59:59",
    );
  });
});
