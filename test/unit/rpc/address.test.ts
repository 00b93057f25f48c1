// One caller, one bucket: however an address is written, and whichever address of its /64 a caller uses.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressPrefix, plainAddress } from "../../../src/rpc/address.ts";

const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
const eight = fc.array(group, { minLength: 8, maxLength: 8 });
const isMapped = (groups: readonly number[]) => groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff;

/** All runs of zeros that `::` may stand for. */
function compressions(groups: readonly number[]): string[] {
  const texts: string[] = [];
  for (let from = 0; from < 8; from++) {
    for (let to = from; to < 8 && groups[to] === 0; to++) {
      const text = (part: readonly number[]) => part.map((g) => g.toString(16)).join(":");
      texts.push(`${text(groups.slice(0, from))}::${text(groups.slice(to + 1))}`);
    }
  }
  return texts;
}

function spellings(groups: readonly number[]): string[] {
  const plain = groups.map((g) => g.toString(16)).join(":");
  const padded = groups.map((g) => g.toString(16).padStart(4, "0")).join(":");
  const [high = 0, low = 0] = groups.slice(6);
  const dotted = `${groups
    .slice(0, 6)
    .map((g) => g.toString(16))
    .join(":")}:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  return [plain, padded, dotted, ...compressions(groups)].flatMap((text) => [text, text.toUpperCase(), `${text}%eth0`]);
}

describe("the bucket of an address", () => {
  it("CVE-2026-45364 is one for every spelling of an IPv6 address", () => {
    fc.assert(
      fc.property(eight, (groups) => {
        const buckets = new Set(spellings(groups).map(addressPrefix));
        expect([...buckets]).toHaveLength(1);
      }),
    );
  });

  it("CVE-2026-45364 is one for the whole /64, and another for any other /64", () => {
    fc.assert(
      fc.property(eight, eight, (one, other) => {
        fc.pre(!isMapped(one) && !isMapped(other));
        const text = (groups: readonly number[]) => groups.map((g) => g.toString(16)).join(":");
        const neighbour = [...one.slice(0, 4), ...other.slice(4)];
        fc.pre(!isMapped(neighbour));
        expect(addressPrefix(text(neighbour))).toBe(addressPrefix(text(one)));
        const same = one.slice(0, 4).join() === other.slice(0, 4).join();
        expect(addressPrefix(text(one)) === addressPrefix(text(other))).toBe(same);
      }),
    );
  });

  it("CVE-2026-45364 is that of the IPv4 address for every form of it mapped into IPv6", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number);
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const text of [
          address,
          `::ffff:${address}`,
          `::FFFF:${address}`,
          `::ffff:${hex}`,
          `0:0:0:0:0:ffff:${address}`,
          `0000:0000:0000:0000:0000:FFFF:${hex}`,
          `::ffff:${address}%lo`,
        ])
          expect(addressPrefix(text)).toBe(address);
      }),
    );
  });

  it("keeps IPv4 addresses apart", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), (one, other) => {
        expect(addressPrefix(one) === addressPrefix(other)).toBe(one === other);
      }),
    );
  });

  it.each([
    ["unix", "unix"],
    ["", ""],
    ["unknown", "unknown"],
    ["::", "0:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["2001:DB8::1", "2001:db8:0:0::/64"],
    ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["not:an:address", "not:an:address"],
    ["1.2.3.4.5", "1.2.3.4.5"],
  ])("of %j is %j", (address, bucket) => {
    expect(addressPrefix(address)).toBe(bucket);
  });

  it("never throws, whatever the text", () => {
    fc.assert(fc.property(fc.string(), (text) => typeof addressPrefix(text) === "string"));
  });
});

describe("the plain address", () => {
  it.each([
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:C000:0201", "192.0.2.1"],
    ["2001:DB8::A%eth0", "2001:db8::a"],
    ["192.0.2.1", "192.0.2.1"],
  ])("of %j is %j", (address, plain) => {
    expect(plainAddress(address)).toBe(plain);
  });
});
