// What `gatehouse policy explain` prints from the contracts alone.
import { describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config/load.ts";
import { explainPolicy } from "../../src/policy-explain.ts";

const ask = (method: string, env: Record<string, string> = {}) =>
  explainPolicy({ method }, loadConfig({ env, readFile: () => "" }).config, new Date(0), undefined);

describe("gatehouse policy explain", () => {
  it("P-02 says who may call, and what narrows it by the settings in force", async () => {
    const env = { GATEHOUSE_STEP_UP_AGE: "10m", GATEHOUSE_ADMIN_NETWORKS: "10.0.0.0/8" };
    const text = await ask("gatehouse.auth.v1.GrantService/CreateGrant", env);
    expect(text.split("\n")).toEqual([
      "gatehouse.auth.v1.GrantService/CreateGrant",
      "  may call: holders of grants.create on {resource}, and no grant that denies it",
      "  needs: a token whose scopes hold grants.create or `*`",
      "  needs: a login of the last 600 s",
      "  needs: a network of GATEHOUSE_ADMIN_NETWORKS, which is 10.0.0.0/8",
      "  priority normal, limit write, event authz.grant_created",
    ]);
    const second = await ask("GrantService/CreateGrant", { GATEHOUSE_STEP_UP_SECOND_FACTOR: "administrators" });
    expect(second).toContain("  needs: of people a second factor (acr aal2)\n");
    expect(await ask("GetJwks")).toContain("may call: anyone, without a credential\n");
    expect(await ask("GrantService/CreateGrant", { GATEHOUSE_STEP_UP_AGE: "off" })).toContain("no step-up: it is off");
  });

  it("finds a method by its end, and refuses what is none or several", async () => {
    expect(await ask("GetSecret")).toMatch(/^gatehouse\.secrets\.v1\.SecretsService\/GetSecret\n/);
    await expect(ask("Nothing")).rejects.toThrow(/no such method/);
    await expect(ask("ServerReflectionInfo")).rejects.toThrow(/several methods/);
  });
});
