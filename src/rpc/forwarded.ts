// Who called, when a proxy stands between: what the proxy says is believed only when the proxy is on the operator's list.
// Everybody else's forwarding headers are text like any other.
import { isIP } from "node:net";
import type { CurrentNetworks } from "../kernel/networks.ts";
import { plainAddress } from "./address.ts";

export type ForwardedHeader = "x-forwarded-for" | "forwarded";

/** From the address of the connection to that of the caller. `values`: all values of a header, in the order they came in. */
export type CallerAddress = (connection: string, values: (header: string) => readonly string[]) => string;

/** For doors without proxies. */
export const directly: CallerAddress = (connection) => connection;

const mostHops = 32;

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`. */
function addressIn(hop: string): string | undefined {
  const [, bracketed, six, four] = /^(?:(\[)([^\]]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5})$/.exec(hop) ?? [];
  const host = bracketed === undefined ? (four ?? hop) : (six ?? "");
  return isIP(host) === 0 || host.includes("%") ? undefined : plainAddress(host);
}

/** The `for` of one element of RFC 7239. Names and `unknown` are no addresses. */
function forwardedFor(element: string): string {
  const [, quoted, plain] = /(?:^|;)\s*for=(?:"([^"\\]*)"|([^\s;,"]*))\s*(?:;|$)/i.exec(element) ?? [];
  return quoted ?? plain ?? "";
}

function hopsOf(header: ForwardedHeader, values: readonly string[]): readonly string[] {
  const elements = values.join(",").split(",").slice(-mostHops);
  return header === "forwarded" ? elements.map(forwardedFor) : elements.map((element) => element.trim());
}

/**
 * Each proxy appends whom it heard, so the list is read from its end: the first address that is no proxy of ours is the
 * caller, and whatever stands before it the caller may have made up. One header only, since a proxy passes on unread
 * the one that it does not write.
 */
export function createCallerAddress(deps: {
  readonly trusted: CurrentNetworks;
  readonly header: ForwardedHeader;
}): CallerAddress {
  return (connection, values) => {
    const trusted = deps.trusted();
    let caller = connection;
    if (!trusted.contains(caller)) return caller;
    const given = values(deps.header);
    if (given.length === 0) return caller;
    for (const hop of hopsOf(deps.header, given).toReversed()) {
      const address = addressIn(hop);
      if (address === undefined) return caller;
      caller = address;
      if (!trusted.contains(caller)) return caller;
    }
    return caller;
  };
}
