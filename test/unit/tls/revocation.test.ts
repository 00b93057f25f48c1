// Lists of revoked certificates, made by a library and by openssl.
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { readRevocationList, revocationOf } from "../../../src/tls/revocation.ts";
import { type Authority, makeAuthority, makeLeaf, makeList } from "../../fixtures/certificates.ts";

const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64");

let authority: Authority;
beforeAll(async () => {
  authority = await makeAuthority();
});

describe("a list of revoked certificates", () => {
  it("NET-03 names those of its own authority, and no others with the same number", async () => {
    const [lost, kept] = [await makeLeaf(authority), await makeLeaf(authority)];
    const list = readRevocationList(derOf(await makeList(authority, [lost])));
    const revoked = (pem: string) => revocationOf([new X509Certificate(pem)], [list]).revoked;
    expect([revoked(lost.pem), revoked(kept.pem)]).toEqual([true, false]);
    const other = await makeAuthority("Another");
    const strange = new X509Certificate((await makeLeaf(other)).pem);
    expect(revocationOf([strange], [list])).toEqual({ revoked: false, knownUntil: undefined });
    expect(revocationOf([new X509Certificate(lost.pem)], [])).toEqual({ revoked: false, knownUntil: undefined });
  });

  it("is believed only from the key that signed it", async () => {
    const list = readRevocationList(derOf(await makeList(authority, [await makeLeaf(authority)])));
    expect(list.signedBy(new X509Certificate(authority.pem))).toBe(true);
    expect(list.signedBy(new X509Certificate((await makeAuthority()).pem))).toBe(false);
  });

  it("knows when it is overdue, and may be empty", async () => {
    const nextUpdate = new Date("2030-01-02T03:04:05.000Z");
    const list = readRevocationList(derOf(await makeList(authority, [], { nextUpdate })));
    expect(list.nextUpdate).toEqual(nextUpdate);
    expect(list.serials.size).toBe(0);
  });

  it("ends with a RangeError, a list that nobody signed, or what it said before, whatever was changed in it", async () => {
    const whole = derOf(await makeList(authority, [await makeLeaf(authority)]));
    const signer = new X509Certificate(authority.pem);
    const said = (bytes: Buffer) => {
      const list = readRevocationList(bytes);
      return list.signedBy(signer) ? { ...list, signedBy: undefined } : undefined;
    };
    const before = said(whole);
    expect(before?.serials.size).toBe(1);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const harmed = Buffer.from(whole);
        harmed.writeUInt8(harmed.readUInt8(at) ^ change, at);
        try {
          // What is not covered by the signature (its algorithm's parameters) says nothing of who is revoked.
          expect([undefined, before]).toContainEqual(said(harmed));
        } catch (error) {
          if (!(error instanceof RangeError)) throw error;
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
