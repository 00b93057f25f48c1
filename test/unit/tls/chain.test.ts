// Whether a chain leads to an authority that is believed, of those that a client can put together.
import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { anchorage, keepsAll } from "../../../src/tls/chain.ts";
import { type Authority, makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";

const parsed = (...pems: string[]) => pems.map((pem) => new X509Certificate(pem));
const trusting = (...authorities: Authority[]) => ({
  authorities: parsed(...authorities.map(({ pem }) => pem)),
  lists: [],
  ca: "",
  crl: [],
});

describe("a chain", () => {
  let root: Authority;
  let between: Authority;
  let other: Authority;
  let leaf: string;
  let below: string;
  beforeAll(async () => {
    [root, other] = await Promise.all([makeAuthority("Root"), makeAuthority("Other")]);
    between = await makeAuthority("Between", root);
    [{ pem: leaf }, { pem: below }] = await Promise.all([makeLeaf(root), makeLeaf(between)]);
  });

  it("NET-03 is believed when each of it was signed by the next, up to an authority that is named", () => {
    expect(anchorage(parsed(leaf), trusting(root))).toBe("believed");
    expect(anchorage(parsed(leaf, root.pem), trusting(other, root))).toBe("believed");
    expect(anchorage(parsed(below, between.pem), trusting(root))).toBe("believed");
    expect(anchorage(parsed(below, between.pem, root.pem), trusting(between))).toBe("believed");
  });

  it("NET-03 that ends below what Node does not show is unknown, and one that ends elsewhere is not believed", () => {
    expect(anchorage(parsed(below), trusting(root))).toBe("unknown");
    expect(anchorage(parsed(leaf, root.pem), trusting(other))).toBe("not believed");
    expect(anchorage(parsed(below, between.pem, root.pem), trusting(other))).toBe("not believed");
    expect(anchorage([], trusting(root))).toBe("not believed");
  });

  it("NET-03 is not believed for a certificate of the right name that signed nothing of it", async () => {
    const namesake = await makeAuthority("Root", other);
    expect(anchorage(parsed(leaf, namesake.pem), trusting(other))).toBe("not believed");
    expect(anchorage(parsed(leaf, namesake.pem, other.pem), trusting(other))).toBe("not believed");
    expect(anchorage(parsed(leaf), trusting(await makeAuthority("Root")))).toBe("unknown");
  });

  it("knows whether an authority has gone", () => {
    expect(keepsAll(trusting(root), trusting(other, root))).toBe(true);
    expect(keepsAll(trusting(root, other), trusting(root))).toBe(false);
    expect(keepsAll(trusting(), trusting(root))).toBe(true);
  });
});
