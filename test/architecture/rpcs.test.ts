// Anyone finds any RPC in ten seconds: its file, its test.
import { describe, expect, it } from "vitest";
import { kebab, missingFiles, placesOf, readServices } from "./rpcs.ts";

const services = await readServices();

describe("every RPC", () => {
  it("belongs to a service of one of the four areas", () => {
    expect(services.length).toBeGreaterThan(3);
    const strangers = services.filter((service) => placesOf(service) === undefined);
    expect(strangers.map((service) => service.typeName)).toEqual([]);
  });

  it("has its file and its unit test where its name says", () => {
    expect(missingFiles(services.flatMap((service) => placesOf(service) ?? []))).toEqual([]);
  });
});

describe("the rule", () => {
  it("names both files that are missing", () => {
    const place = {
      rpc: "gatehouse.token.v1.TokenService/GetJwks",
      source: "src/token/token/get-jwks.ts",
      test: "test/unit/token/token/get-jwks.test.ts",
    };
    expect(missingFiles([place], () => false)).toHaveLength(2);
    expect(missingFiles([place], () => true)).toEqual([]);
  });

  it.each([
    ["Introspect", "introspect"],
    ["ListSecretVersions", "list-secret-versions"],
    ["GetJwks", "get-jwks"],
    ["WhoAmI", "who-am-i"],
    ["GetJWKSet", "get-jwk-set"],
  ])("writes %s as %s", (name, file) => {
    expect(kebab(name)).toBe(file);
  });
});
