// The parsers of settings, one kind at a time: what they take and, above all, what they do not.
import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import * as is from "../../../src/config/kinds.ts";

function read<T>(kind: is.Kind<T>, text: string): T | undefined {
  const parsed = kind.parse(text);
  return parsed.ok ? parsed.value : undefined;
}

describe("listen address", () => {
  it.each([
    ["127.0.0.1:0", "127.0.0.1", true],
    ["127.8.9.1:1", "127.8.9.1", true],
    ["[::1]:50051", "::1", true],
    ["localhost:50051", "localhost", true],
    ["0.0.0.0:50051", "0.0.0.0", false],
    ["[::]:50051", "::", false],
    ["[::ffff:127.0.0.1]:1", "::ffff:127.0.0.1", false],
    ["127.1:1", "127.1", false],
    ["localhost.example:1", "localhost.example", false],
    ["gatehouse:65535", "gatehouse", false],
  ])("%s is host %s, loopback: %s", (text, host, loopback) => {
    expect(read(is.listen, text)).toMatchObject({ kind: "tcp", host, loopback });
  });

  it("takes a Unix socket whose path the system can hold", () => {
    expect(read(is.listen, "unix:/run/g.sock")).toEqual({ kind: "unix", path: "/run/g.sock", loopback: true });
    expect(read(is.listen, `unix:/${"a".repeat(103)}`)).toBeUndefined();
    expect(read(is.listen, "unix:")).toBeUndefined();
  });

  it.each([
    "",
    "50051",
    ":50051",
    "host",
    "host:65536",
    "host:-1",
    "::1:50051",
    "[127.0.0.1]:1",
    "ho st:1",
    "a/b:1",
    "-a:1",
    "host:1\n",
  ])("refuses %j", (text) => {
    expect(read(is.listen, text)).toBeUndefined();
  });
});

describe("numbers with units", () => {
  it("duration keeps milliseconds and its bounds", () => {
    const kind = is.duration("1s", "1h");
    expect(["1s", "90s", "60m", "1000ms"].map((text) => read(kind, text))).toEqual([1_000, 90_000, 3_600_000, 1_000]);
    for (const text of ["999ms", "61m", "1", "s", "1 s", "-1s", "1.5s", "1e3s", "1S", "0x1s"])
      expect(read(kind, text)).toBeUndefined();
  });

  it("bytes knows binary units only", () => {
    const kind = is.bytes("1B", "1MiB");
    expect(["1B", "2KiB", "1MiB"].map((text) => read(kind, text))).toEqual([1, 2_048, 1_048_576]);
    for (const text of ["0B", "2MiB", "1MB", "1", "1mib"]) expect(read(kind, text)).toBeUndefined();
  });

  it("integer is plain decimal within bounds", () => {
    const kind = is.integer({ min: 0, max: 64 });
    expect(["0", "64"].map((text) => read(kind, text))).toEqual([0, 64]);
    for (const text of ["65", "-1", "1.0", "1e1", "0x10", "01", " 1", "1_0", "٣"])
      expect(read(kind, text)).toBeUndefined();
  });

  it("rate is a count over a time, or off", () => {
    expect(read(is.rate, "10/60s")).toEqual({ count: 10, perMs: 60_000 });
    expect(read(is.rate, "1000000000/366d")).toEqual({ count: 1e9, perMs: 366 * 86_400_000 });
    for (const text of ["1000000001/1s", "10/367d", "10/999999999d"]) expect(read(is.rate, text)).toBeUndefined();
    expect(read(is.rate, "off")).toBe("off");
    for (const text of ["0/1s", "1/0s", "10", "10/s", "10/60", "1/1s/1s", "OFF", "none"])
      expect(read(is.rate, text)).toBeUndefined();
  });
});

describe("texts", () => {
  it("TOK-20 issuer is https, without user, query or fragment, and kept as written", () => {
    expect(read(is.issuer, "https://ID.example/a/")).toBe("https://ID.example/a/");
    for (const text of [
      "http://id.example",
      "https://id.example?a=1",
      "https://id.example/#",
      "https://u:p@id.example",
      "id.example",
      "https://id.exa mple",
    ]) {
      expect(read(is.issuer, text)).toBeUndefined();
    }
  });

  it("database URL names a database and is kept as a secret", () => {
    expect(String(read(is.databaseUrl, "postgres://u:p@h/d"))).toBe("[redacted]");
    expect(read(is.databaseUrl, "postgres://u:p@/d?host=/run/postgresql")).toBeDefined();
    for (const text of ["postgres://h", "postgres://h/", "mysql://h/d", "h/d", ""])
      expect(read(is.databaseUrl, text)).toBeUndefined();
  });

  it("master key is 32 random bytes in base64, base64url or hex", () => {
    const bytes = Buffer.from("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "hex");
    for (const text of [bytes.toString("hex"), bytes.toString("base64"), bytes.toString("base64url")]) {
      expect(read(is.masterKey, text)?.expose()).toBe(text);
    }
    const wrong = [
      "0".repeat(64),
      "A".repeat(43),
      bytes.toString("hex").slice(1),
      bytes.subarray(1).toString("base64"),
      "passphrase",
    ];
    for (const text of wrong) expect(read(is.masterKey, text)).toBeUndefined();
  });

  it("boolean and enumeration take their words exactly", () => {
    expect([read(is.boolean, "true"), read(is.boolean, "false"), read(is.boolean, "1")]).toEqual([
      true,
      false,
      undefined,
    ]);
    expect([read(is.oneOf("off", "open"), "open"), read(is.oneOf("off", "open"), "Open")]).toEqual(["open", undefined]);
  });
});

describe("networks", () => {
  const list = (text: string) => read(is.networks, text);

  it.each([
    ["10.0.0.0/8", "10.255.255.255", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["10.0.0.0/8", "::ffff:10.0.0.1", true],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.70", false],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:db8::/32", "2001:db9::1", false],
    ["::/0", "2001:db8::1", true],
    ["10.0.0.0/8, fd00::/8", "fd12::1", true],
    ["10.0.0.0/8", "unix", false],
    ["unix,10.0.0.0/8", "unix", true],
    ["unix", "127.0.0.1", false],
    ["any", "unix", true],
    ["any", "203.0.113.9", true],
    ["none", "127.0.0.1", false],
    ["none", "unix", false],
    ["10.0.0.0/8", "", false],
    ["10.0.0.0/8", "10.0.0.1, 8.8.8.8", false],
    ["10.0.0.0/8", "010.0.0.1", false],
  ])("P-15 %s and %s: %s", (text, address, inside) => {
    expect(list(text)?.contains(address)).toBe(inside);
  });

  it.each([
    "",
    ",",
    "10.0.0.0/8,",
    "10.1.2.3/8",
    "2001:db8::1/32",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "::/129",
    "::ffff:10.0.0.0/104",
    "fe80::1%eth0",
    "fe80::%eth0/64",
    "10.0.0",
    "010.0.0.0/8",
    "localhost",
    "any,10.0.0.0/8",
    "ANY",
    "10.0.0.0/8 10.0.0.0/8",
    Array.from({ length: 1_001 }, () => "10.0.0.0/8").join(","),
  ])("P-15 refuses %j rather than guess", (text) => {
    expect(list(text)).toBeUndefined();
  });

  it("P-15 has one spelling for one list, and two readings of it are equal", () => {
    expect(list("fd00::/8 ,10.0.0.0/8,10.0.0.0/8")?.text).toBe("10.0.0.0/8,fd00::/8");
    expect(list("2001:0DB8::/32")?.text).toBe("2001:db8::/32");
    expect(isDeepStrictEqual(list("10.0.0.0/8"), list("10.0.0.0/8"))).toBe(true);
    expect(isDeepStrictEqual(list("10.0.0.0/8"), list("11.0.0.0/8"))).toBe(false);
  });

  it("duration or off", () => {
    const kind = is.durationOrOff("1m", "30d");
    expect([read(kind, "12h"), read(kind, "off"), read(kind, "1s"), read(kind, "Off")]).toEqual([
      43_200_000,
      "off",
      undefined,
      undefined,
    ]);
  });
});
