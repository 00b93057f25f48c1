// The settings of metrics and export: what they take, and what refuses to start.
import { describe, expect, it } from "vitest";
import * as is from "../../../src/config/kinds.ts";
import { readSettings } from "../../../src/config/load.ts";

const value = <T>({ parse }: is.Kind<T>, text: string): T | undefined => {
  const parsed = parse(text);
  return parsed.ok ? parsed.value : undefined;
};

function problems(env: Record<string, string>): readonly string[] {
  const reading = readSettings({
    env,
    readFile: () => {
      throw new Error("no files here");
    },
  });
  return "problems" in reading ? reading.problems : [];
}

describe("DAT-08 the address for metrics", () => {
  it("is off unless it is given", () => {
    const reading = readSettings({ env: {}, readFile: () => "" });
    expect("config" in reading && reading.config.metricsListen).toBe("off");
  });

  it.each(["0.0.0.0:9464", "[::]:9464", "10.0.0.1:9464", "metrics.internal:9464"])(
    "refuses to start on %s, unless told that somebody guards it",
    (address) => {
      expect(problems({ GATEHOUSE_METRICS_LISTEN: address })).toEqual([
        expect.stringContaining("GATEHOUSE_METRICS_EXPOSED=true"),
      ]);
      expect(problems({ GATEHOUSE_METRICS_LISTEN: address, GATEHOUSE_METRICS_EXPOSED: "true" })).toEqual([]);
    },
  );

  it.each(["unix:/run/metrics", "9464", "on", "127.0.0.1:99999"])("is not %s", (text) => {
    expect(value(is.listenOrOff, text)).toBeUndefined();
  });
});

describe("the collector", () => {
  it("is a base URL, with or without a slash behind it", () => {
    expect(value(is.httpUrl, "http://collector:4318")).toBe("http://collector:4318");
    expect(value(is.httpUrl, "https://collector/otlp/")).toBe("https://collector/otlp");
  });

  it.each([
    "collector:4318",
    "grpc://collector",
    "http://user:password@collector",
    "http://c/?a",
    "http://c/#a",
    "http://c/a b",
  ])("is not %s", (text) => expect(value(is.httpUrl, text)).toBeUndefined());

  it("SEC-05 gets headers that nobody can print", () => {
    const headers = value(is.httpHeaders, "X-Api-Key=canary==, tenant=a");
    expect(headers?.expose()).toEqual({ "x-api-key": "canary==", tenant: "a" });
    expect(JSON.stringify({ headers })).not.toContain("canary");
  });

  it("takes header values that are percent-encoded, as other programs do", () => {
    const headers = value(is.httpHeaders, "Authorization=Basic%20dTpw%3D,x=a%2Cb");
    expect(headers?.expose()).toEqual({ authorization: "Basic dTpw=", x: "a,b" });
  });

  it("NET-02 is not told headers in clear beyond loopback, unless that is asked for", () => {
    const told = (endpoint: string, more = {}) =>
      problems({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_HEADERS: "a=b", ...more });
    for (const endpoint of ["http://collector:4318", "http://10.0.0.1:4318", "http://[2001:db8::1]:4318"]) {
      expect(told(endpoint)).toEqual([expect.stringMatching(/HEADERS would reach beyond loopback in plaintext/)]);
      expect(problems({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })).toEqual([]);
      expect(told(endpoint, { GATEHOUSE_INSECURE_PLAINTEXT: "true" })).toEqual([]);
    }
    for (const endpoint of ["https://collector", "http://127.0.0.1:4318", "http://[::1]:4318"])
      expect(told(endpoint)).toEqual([]);
  });

  it.each(["", "key", "=value", "a=b,,c=d", "a=b\r\nc: d", "a b=c", "a=", "a=%0d%0ab", "a=%", "a=%e9"])(
    "takes no headers of the form %j",
    (text) => {
      expect(value(is.httpHeaders, text)).toBeUndefined();
    },
  );

  it("needs an address when headers are given", () => {
    expect(problems({ OTEL_EXPORTER_OTLP_HEADERS: "a=b" })).toEqual([
      "OTEL_EXPORTER_OTLP_HEADERS is given without OTEL_EXPORTER_OTLP_ENDPOINT",
    ]);
  });

  it("is told a part of the calls", () => {
    expect(["0", "1", "0.05", ".5", "1.0"].map((text) => value(is.ratio, text))).toEqual([0, 1, 0.05, 0.5, 1]);
    for (const text of ["1.5", "-1", "5%", "", "1e-3", "NaN", "1.1"]) expect(value(is.ratio, text)).toBeUndefined();
  });
});
