// What `gatehouse policy` prints: every method that is published, once.
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { policyPage } from "../../src/policy-page.ts";
import { readServices } from "../architecture/rpcs.ts";

const readFile = () => "";
const pageWith = (env: Record<string, string>) => policyPage(loadConfig({ env, readFile }).config).split("\n");

describe("gatehouse policy", () => {
  it("T-01 P-02 lists every published method once", async () => {
    const published = (await readServices()).flatMap((service) =>
      service.methods.map(({ name }) => `${service.typeName}/${name}`),
    );
    const listed = pageWith({})
      .slice(1)
      .map((line) => line.split(/\s/)[0]);
    expect(new Set(listed).size).toBe(listed.length);
    expect(listed.filter((name) => name?.startsWith("gatehouse.")).sort()).toEqual(published.sort());
  });

  it("tells access, permission, resource, limit, audit mode and event", () => {
    const line = pageWith({ GATEHOUSE_LIMIT_READ: "7/3s" }).find((one) => one.includes("/GetSecret "));
    expect(line).toMatch(
      /PERMISSION +secrets\.read +secrets\/\{path\} +read 7 in 3 s +normal +BLOCKING +secret\.read$/,
    );
  });

  it("tells what narrows a method beside the grant", () => {
    const line = pageWith({}).find((one) => one.includes("/CreateGrant "));
    expect(line).toMatch(/grants\.create +\{resource\} +step-up, network +write/);
  });

  it("CLM-11 tells that people need a second factor, when the settings say so", () => {
    const page = pageWith({ GATEHOUSE_STEP_UP_SECOND_FACTOR: "administrators" });
    expect(page.find((one) => one.includes("/CreateGrant "))).toMatch(/ step-up, second factor, network +write/);
    expect(page.filter((one) => one.includes("second factor") && !one.includes("step-up"))).toEqual([]);
  });

  it("shows a limit that is off as none", () => {
    const line = pageWith({ GATEHOUSE_LIMIT_READ: "off" }).find((one) => one.includes("/GetSecret "));
    expect(line).toMatch(/\{path\} +read +normal +BLOCKING/);
  });
});
