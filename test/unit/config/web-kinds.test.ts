// Forms of the web door's settings.
import { describe, expect, it } from "vitest";
import { doorOrOff, origins, ownUrl } from "../../../src/config/web-kinds.ts";

describe("origins", () => {
  it.each<[string, readonly string[]]>([
    ["none", []],
    ["*", ["*"]],
    ["null", ["null"]],
    ["https://app.example", ["https://app.example"]],
    [
      "https://app.example, http://localhost:3000,http://[::1]:3000",
      ["https://app.example", "http://localhost:3000", "http://[::1]:3000"],
    ],
  ])("`%s`", (text, expected) => {
    const parsed = origins.parse(text);
    expect(parsed.ok && [...parsed.value]).toEqual(expected);
  });

  it.each([
    "",
    "app.example",
    "https://app.example/",
    "https://app.example/path",
    "https://APP.example",
    "https://app.example:443",
    "https://*.app.example",
    "https://user@app.example",
    "ftp://app.example",
    "https://app.example,*",
    "https://app.example,",
    "https://app.example https://b.example",
  ])("P-08 refuse `%s`, which no browser sends", (text) => expect(origins.parse(text).ok).toBe(false));
});

describe("the address of a door", () => {
  it("may be off", () => {
    expect(doorOrOff.parse("off")).toEqual({ ok: true, value: "off" });
    expect(doorOrOff.parse("127.0.0.1:0")).toMatchObject({ ok: true, value: { kind: "tcp", loopback: true } });
    expect(doorOrOff.parse("unix:/run/web.sock")).toMatchObject({ ok: true, value: { kind: "unix" } });
    for (const text of ["", "on", "8080", "http://127.0.0.1:8080"]) expect(doorOrOff.parse(text).ok).toBe(false);
  });
});

describe("a URL of our own", () => {
  it.each([
    ["https://gate.example", "https://gate.example"],
    ["https://gate.example/", "https://gate.example"],
    ["https://Gate.example:8443/security/", "https://gate.example:8443/security"],
    ["http://localhost:8080", "http://localhost:8080"],
    ["http://127.0.0.1:8080/", "http://127.0.0.1:8080"],
    ["http://[::1]:8080", "http://[::1]:8080"],
  ])("`%s` is `%s`", (text, value) => expect(ownUrl.parse(text)).toEqual({ ok: true, value }));

  it.each([
    "",
    "gate.example",
    "http://gate.example",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
    "https://user@gate.example",
    "https://gate.example?a=b",
    "https://gate.example/#a",
    "https://gate.example\\@evil.example",
    "https://gate example",
    "ftp://localhost",
  ])("TOK-20 refuse `%s`", (text) => expect(ownUrl.parse(text).ok).toBe(false));
});
