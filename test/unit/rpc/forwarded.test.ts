// Whom a proxy says that it heard, and when it is believed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Networks, parseNetworks } from "../../../src/kernel/networks.ts";
import { createCallerAddress, directly, type ForwardedHeader } from "../../../src/rpc/forwarded.ts";

function networks(text: string): Networks {
  const parsed = parseNetworks(text);
  if (parsed === undefined) throw new TypeError("the networks do not parse");
  return parsed;
}

const proxies = networks("10.0.0.0/8,fd00::/8,unix");

function callerOf(connection: string, values: readonly string[], header: ForwardedHeader = "x-forwarded-for") {
  const caller = createCallerAddress({ trusted: () => proxies, header });
  return caller(connection, (name) => (name === header ? values : []));
}

describe("a forwarding header", () => {
  it("PWD-13 of anybody who is no trusted proxy changes nothing", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string())), (connection, values) => {
        fc.pre(!connection.startsWith("10."));
        expect(callerOf(connection, values)).toBe(connection);
      }),
    );
    const nobody = createCallerAddress({ trusted: () => networks("none"), header: "x-forwarded-for" });
    expect(nobody("10.0.0.1", () => ["192.0.2.9"])).toBe("10.0.0.1");
    expect(directly("10.0.0.1", () => ["192.0.2.9"])).toBe("10.0.0.1");
  });

  it.each<[string, readonly string[], string]>([
    ["names the caller", ["192.0.2.9"], "192.0.2.9"],
    ["is read from its end, past our own proxies", ["192.0.2.9, 10.2.2.2, fd00::1"], "192.0.2.9"],
    ["cannot be lengthened by the caller at its beginning", ["127.0.0.1, 10.9.9.9, 192.0.2.9"], "192.0.2.9"],
    ["may come in several lines", ["192.0.2.1", "192.0.2.9, 10.0.0.9"], "192.0.2.9"],
    ["may hold ports", ["192.0.2.9:4711"], "192.0.2.9"],
    ["may hold IPv6", ["2001:DB8::1"], "2001:db8::1"],
    ["may hold IPv6 with a port", ["[2001:db8::1]:4711"], "2001:db8::1"],
    ["may hold mapped addresses, which are IPv4", ["::ffff:192.0.2.9"], "192.0.2.9"],
    ["without anybody names the proxy", [], "10.0.0.1"],
    ["of nothing names the proxy", [""], "10.0.0.1"],
    ["that cannot be read is believed no further", ["192.0.2.9, unknown"], "10.0.0.1"],
    ["that cannot be read further on stops at the last proxy", ["evil, 10.2.2.2"], "10.2.2.2"],
    ["with a zone is no address", ["fe80::1%eth0"], "10.0.0.1"],
    ["of proxies alone names the first of them", ["10.2.2.2, 10.3.3.3"], "10.2.2.2"],
  ])("%s", (_, values, caller) => expect(callerOf("10.0.0.1", values)).toBe(caller));

  it.each<[string, string]>([
    ["for=192.0.2.9", "192.0.2.9"],
    ['For="[2001:db8::1]:4711";proto=https', "2001:db8::1"],
    ["proto=https;for=192.0.2.9;by=10.0.0.1, for=10.2.2.2", "192.0.2.9"],
    ["for=_hidden", "10.0.0.1"],
    ["for=unknown", "10.0.0.1"],
    ["for=192.0.2.9, proto=https", "10.0.0.1"],
    ['for="192.0.2.9', "10.0.0.1"],
  ])("RFC 7239: %s is %s", (value, caller) => expect(callerOf("10.0.0.1", [value], "forwarded")).toBe(caller));

  it("that the proxy does not write is not read: it passes on whatever the caller wrote", () => {
    const caller = createCallerAddress({ trusted: () => proxies, header: "x-forwarded-for" });
    const values = (name: string) => (name === "forwarded" ? ["for=192.0.2.66"] : ["192.0.2.9"]);
    expect(caller("10.0.0.1", values)).toBe("192.0.2.9");
    expect(caller("10.0.0.1", (name) => (name === "forwarded" ? ["for=192.0.2.66"] : []))).toBe("10.0.0.1");
  });

  it("of a Unix socket counts when the operator lists it", () => {
    expect(callerOf("unix", ["192.0.2.9"])).toBe("192.0.2.9");
  });

  it("costs no more than its last hops, however long it is", () => {
    const long = Array.from({ length: 100_000 }, () => "10.0.0.2").join(",");
    expect(callerOf("10.0.0.1", [`192.0.2.9,${long}`])).toBe("10.0.0.2");
  });

  it("follows the list as it is at the moment", () => {
    let trusted = networks("none");
    const caller = createCallerAddress({ trusted: () => trusted, header: "x-forwarded-for" });
    expect(caller("10.0.0.1", () => ["192.0.2.9"])).toBe("10.0.0.1");
    trusted = proxies;
    expect(caller("10.0.0.1", () => ["192.0.2.9"])).toBe("192.0.2.9");
  });
});
