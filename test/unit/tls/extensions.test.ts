// DER, the extensions of certificates and SPIFFE ids, with hostile input.
import "reflect-metadata";
import { X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { parseSpiffeId } from "../../../src/kernel/spiffe.ts";
import { derTime, derValue, oidText, tags } from "../../../src/tls/der.ts";
import { issuedAs, leafExtensions } from "../../../src/tls/extensions.ts";
import { type Authority, makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";

let authority: Authority;
beforeAll(async () => {
  authority = await makeAuthority();
});

const derOf = (pem: string): Buffer => new X509Certificate(pem).raw;

/** The extension with these bytes instead of names. */
function rawNames(...names: readonly Buffer[]): x509.Extension {
  const content = Buffer.concat(names);
  return new x509.Extension("2.5.29.17", false, Buffer.concat([Buffer.from([0x30, content.length]), content]));
}

const rawName = (tag: number, text: string) =>
  Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text, "latin1")]);

describe("extensions of a certificate", () => {
  it("reads URIs and DNS names as the library that made them wrote them, and nothing else", async () => {
    const leaf = await makeLeaf(authority, {
      uris: ["spiffe://a/b", "https://x.example/?a=1,DNS:evil"],
      dns: ["a.example", "*.b.example"],
      ips: ["192.0.2.1"],
    });
    expect(leafExtensions(derOf(leaf.pem))).toEqual({
      uris: ["spiffe://a/b", "https://x.example/?a=1,DNS:evil"],
      dnsNames: ["a.example", "*.b.example"],
      isAuthority: false,
    });
  });

  it("knows an authority by its own word and by what its key may sign", async () => {
    expect(leafExtensions(derOf(authority.pem)).isAuthority).toBe(true);
    const said = await makeLeaf(authority, { isAuthority: true });
    expect(leafExtensions(derOf(said.pem)).isAuthority).toBe(true);
    for (const keyUsage of [x509.KeyUsageFlags.keyCertSign, x509.KeyUsageFlags.cRLSign])
      expect(leafExtensions(derOf((await makeLeaf(authority, { keyUsage })).pem)).isAuthority).toBe(true);
  });

  it("agrees with the library about issuer and serial number", async () => {
    const leaf = await makeLeaf(authority);
    const { serial, issuer } = issuedAs(derOf(leaf.pem));
    expect(serial.toString("hex")).toBe(leaf.serial);
    expect(issuer).toEqual(Buffer.from(new x509.X509Certificate(leaf.pem).issuerName.toArrayBuffer()));
  });

  it.each([
    ["a NUL in a name", [rawName(0x86, "spiffe://a/b\0.evil")]],
    ["a line break in a name", [rawName(0x82, "a.example\nDNS:b")]],
    ["letters beyond ASCII", [rawName(0x82, "\u00e4.example")]],
    ["an empty name", [rawName(0x86, "")]],
    ["a length that reaches out", [Buffer.from([0x86, 0x7f, 0x61])]],
    ["a length without end", [Buffer.from([0x86, 0x80, 0x61, 0, 0])]],
  ])("NET-03 refuses names with %s", async (_, names) => {
    const leaf = await makeLeaf(authority, { more: [rawNames(...names)] });
    expect(() => leafExtensions(derOf(leaf.pem))).toThrow(RangeError);
  });

  it("NET-03 refuses a certificate with the same extension twice", async () => {
    const leaf = await makeLeaf(authority, { uris: ["spiffe://a/b"], more: [rawNames(rawName(0x86, "spiffe://a/c"))] });
    expect(() => leafExtensions(derOf(leaf.pem))).toThrow(RangeError);
  });

  it("ends with a RangeError or an answer, whatever the bytes are", async () => {
    const whole = derOf((await makeLeaf(authority, { uris: ["spiffe://a/b"] })).pem);
    const harmed = fc
      .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
      .map((changes) => {
        const copy = Buffer.from(whole);
        for (const [at, byte] of changes) copy.writeUInt8(byte, at);
        return copy;
      });
    fc.assert(
      fc.property(fc.oneof(harmed, fc.uint8Array({ maxLength: 64 }).map(Buffer.from)), (bytes) => {
        for (const read of [leafExtensions, issuedAs]) {
          try {
            read(bytes as Buffer);
          } catch (error) {
            expect(error).toBeInstanceOf(RangeError);
          }
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("DER", () => {
  it("reads identifiers as RFC 5280 writes them", () => {
    expect(oidText(Buffer.from("551d11", "hex"))).toBe("2.5.29.17");
    expect(oidText(Buffer.from("2a864886f70d01010b", "hex"))).toBe("1.2.840.113549.1.1.11");
    expect(() => oidText(Buffer.alloc(12, 0xff))).toThrow(RangeError);
  });

  it("reads both forms of time, and no others", () => {
    const time = (tag: number, text: string) => derTime({ tag, content: Buffer.from(text), whole: Buffer.alloc(0) });
    expect(time(tags.utcTime, "491231235959Z")).toEqual(new Date("2049-12-31T23:59:59Z"));
    expect(time(tags.utcTime, "500101000000Z")).toEqual(new Date("1950-01-01T00:00:00Z"));
    expect(time(tags.generalizedTime, "20500101000000Z")).toEqual(new Date("2050-01-01T00:00:00Z"));
    for (const text of ["4912312359Z", "491231235959+0100", "20500101000000Z"])
      expect(() => time(tags.utcTime, text)).toThrow(RangeError);
  });

  it("refuses a value with something behind it", () => {
    expect(() => derValue(Buffer.from("300000", "hex"), tags.sequence)).toThrow(RangeError);
    expect(() => derValue(Buffer.from("3100", "hex"), tags.sequence)).toThrow(RangeError);
  });
});

describe("SPIFFE ids", () => {
  it("are taken apart into trust domain and path", () => {
    expect(parseSpiffeId("spiffe://prod.example/ns/shop/sa/cart")).toEqual({
      trustDomain: "prod.example",
      path: "/ns/shop/sa/cart",
    });
    expect(parseSpiffeId("spiffe://prod.example")).toEqual({ trustDomain: "prod.example", path: "" });
  });

  it.each([
    "spiffe://prod.example/",
    "spiffe://prod.example/a/",
    "spiffe://prod.example//a",
    "spiffe://prod.example/a/./b",
    "spiffe://prod.example/..",
    "spiffe://PROD.example/a",
    "SPIFFE://prod.example/a",
    "spiffe:///a",
    "spiffe://user@prod.example/a",
    "spiffe://prod.example:443/a",
    "spiffe://prod.example/a?b",
    "spiffe://prod.example/a#b",
    "spiffe://prod.example/%61",
    "spiffe://prod.example/a b",
    "spiffe://prod.example/ä",
    "https://prod.example/a",
    `spiffe://prod.example/${"a".repeat(2048)}`,
    "spiffe://prod.example/a\n",
  ])("NET-03 are refused in another form: %j", (text) => {
    expect(parseSpiffeId(text)).toBeUndefined();
  });
});
