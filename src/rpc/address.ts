// Network addresses as keys: one spelling for one caller, and for IPv6 the /64 that one caller commands as a whole.
import { isIPv6 as looksLikeIPv6 } from "node:net";

/** Most callers come by IPv4, and the whole look costs half a microsecond. */
function isIPv6(address: string): boolean {
  return address.includes(":") && looksLikeIPv6(address);
}

function groupsOf(part: string): number[] {
  if (part === "") return [];
  return part.split(":").flatMap((group) => {
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
    return [(a << 8) | b, (c << 8) | d];
  });
}

/** The eight groups of an IPv6 address without zone. */
function allGroups(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const before = groupsOf(head);
  if (tail === undefined) return before;
  const after = groupsOf(tail);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

/** The IPv4 address that is mapped into IPv6 (RFC 4291 section 2.5.5.2), if it is one, however it is spelt. */
function mappedIPv4(groups: readonly number[]): string | undefined {
  const [high = 0, low = 0] = groups.slice(6);
  const mapped = groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0);
  return mapped ? `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}` : undefined;
}

/** The address without IPv4-in-IPv6 mapping and zone, in lower case. */
export function plainAddress(address: string): string {
  const zone = address.indexOf("%");
  const plain = (zone < 0 ? address : address.slice(0, zone)).toLowerCase();
  return isIPv6(plain) ? (mappedIPv4(allGroups(plain)) ?? plain) : plain;
}

/** What limits count by: an IPv4 address, an IPv6 /64, or the text itself for what is neither. */
export function addressPrefix(address: string): string {
  const plain = plainAddress(address);
  if (!isIPv6(plain)) return plain;
  const prefix = allGroups(plain).slice(0, 4);
  return `${prefix.map((group) => group.toString(16)).join(":")}::/64`;
}
