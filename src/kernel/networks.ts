// Lists of networks, such as those that administration may come from: parsed once, asked by address.
import { BlockList, isIP } from "node:net";

export interface Networks {
  /** One spelling for one list. */
  readonly text: string;
  readonly everywhere: boolean;
  /** Of a peer's plain address, or of `unix`. What is no address is in no network. */
  contains(address: string): boolean;
}

/** Reads the list that is in force now; a reload replaces it. */
export type CurrentNetworks = () => Networks;

interface Block {
  readonly address: string;
  readonly bits: number;
  readonly family: "ipv4" | "ipv6";
}

const mostBlocks = 1_000;

/** The address in the one spelling that URLs have (RFC 5952); undefined for zones and mapped addresses, which are guesses. */
function canonical(address: string): { readonly address: string; readonly family: "ipv4" | "ipv6" } | undefined {
  const version = isIP(address);
  if (version === 4) return { address, family: "ipv4" };
  if (version !== 6 || address.includes("%")) return undefined;
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  return plain.startsWith("::ffff:") ? undefined : { address: plain, family: "ipv6" };
}

function numberOf(address: string, family: "ipv4" | "ipv6"): bigint {
  if (family === "ipv4") return address.split(".").reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const groups = tail === undefined ? before : [...before, ...zeros, ...after];
  return groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n);
}

/** The network itself, not an address in it: `10.1.2.3/8` is somebody's slip, and which half is wrong nobody can know. */
function isFirst({ address, bits, family }: Block): boolean {
  const rest = BigInt((family === "ipv4" ? 32 : 128) - bits);
  return BigInt.asUintN(Number(rest), numberOf(address, family)) === 0n;
}

function parseBlock(text: string): Block | undefined {
  const [host = "", length, ...more] = text.split("/");
  const known = canonical(host);
  if (known === undefined || more.length > 0) return undefined;
  const width = known.family === "ipv4" ? 32 : 128;
  if (length !== undefined && !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const bits = length === undefined ? width : Number(length);
  if (bits > width) return undefined;
  const block = { ...known, bits };
  return isFirst(block) ? block : undefined;
}

/** Lists with the same text are equal to whoever compares settings, so how a list is asked is not one of its values. */
function listOf(text: string, contains: Networks["contains"]): Networks {
  const list = { text, everywhere: text === "any", contains };
  return Object.freeze(Object.defineProperty(list, "contains", { enumerable: false }));
}

function networksOf(blocks: readonly Block[], unix: boolean): Networks {
  const list = new BlockList();
  for (const { address, bits, family } of blocks) list.addSubnet(address, bits, family);
  const parts = blocks.map(({ address, bits }) => `${address}/${bits}`).toSorted();
  const text = [...new Set([...(unix ? ["unix"] : []), ...parts])].join(",");
  return listOf(text === "" ? "none" : text, (address) => {
    if (address === "unix") return unix;
    if (blocks.length === 0) return false;
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  });
}

export const everywhere: Networks = listOf("any", () => true);

export const nowhere: Networks = networksOf([], false);

/** `any`, `none`, or addresses and networks with commas between them; `unix` stands for the Unix socket. */
export function parseNetworks(text: string): Networks | undefined {
  if (text === "any") return everywhere;
  if (text === "none") return nowhere;
  const words = text.split(",").map((word) => word.trim());
  if (words.length > mostBlocks) return undefined;
  const blocks = words.filter((word) => word !== "unix").map(parseBlock);
  const known = blocks.filter((block) => block !== undefined);
  return known.length === blocks.length ? networksOf(known, words.includes("unix")) : undefined;
}
