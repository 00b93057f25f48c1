// Blind indexes of the two personal values that events are looked up by. Writer and reader meet here.
import { isIPv6, SocketAddress } from "node:net";
import { normaliseLoginName } from "../../kernel/login-name.ts";
import type { BlindIndex } from "../../keys/ports.ts";

const addressField = "audit.address";
const loginNameField = "person.login_name";
const mappedIpv4 = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i;

/** One spelling per address: IPv6 in its short form, IPv4 as IPv4 even where a socket shows it as IPv6. */
function canonicalAddress(address: string): string {
  if (!address.includes(":")) return address;
  const mapped = mappedIpv4.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const short = new SocketAddress({ address, family: "ipv6" }).address;
  return mappedIpv4.exec(short)?.[1] ?? short;
}

export function indexAddress(index: BlindIndex, address: string): Buffer {
  return index.of(addressField, canonicalAddress(address)).value;
}

export function indexLoginName(index: BlindIndex, loginName: string): Buffer {
  return index.of(loginNameField, normaliseLoginName(loginName)).value;
}

/** Every value that the column may hold for this address. */
export function addressCandidates(index: BlindIndex, address: string): readonly Buffer[] {
  return index.candidates(addressField, canonicalAddress(address));
}

export function loginNameCandidates(index: BlindIndex, loginName: string): readonly Buffer[] {
  return index.candidates(loginNameField, normaliseLoginName(loginName));
}
