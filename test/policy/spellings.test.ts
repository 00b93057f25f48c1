// Resources are compared as they are spelt: what looks like another path, or would be one after somebody's cleaning up,
// is refused and never resolved.
import { GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import { bearing, callThrough, createFakeChain, incomingOf } from "../fakes/chain.ts";
import { allow, bob, deny, principalOf } from "../fakes/principal.ts";
import { readStatus } from "../fakes/status.ts";

const hostile = [
  "team-a/../team-b",
  "team-a/./db",
  "team-a//db",
  "/team-a/db",
  "team-a/db/",
  "team-a/*",
  "*",
  "team-a/%2e%2e/team-b",
  "team-a%2fdb",
  "team-a\\db",
  "team-a\uff0fdb",
  "team-a\u2215db",
  "team-a\u2044db",
  "team-a/d\u200bb",
  "team-a/db\u0000",
  "team-a/db\n",
  " team-a/db",
  "team-a/\u202edb",
  "te\u0430m-a/db",
  "team-a/d\u0062\u0301",
];

async function verdict(method: (typeof SecretsService.method)["getSecret"], path: string, grants = [allow("*", "")]) {
  const chain = createFakeChain({ tokens: { t: principalOf({ grants }) } });
  const reply = await callThrough(chain, method, { path }, incomingOf({ metadata: bearing("t") }));
  return "answer" in reply ? "OK" : readStatus(reply.failure.status).info?.reason;
}

describe("a path that is not canonical", () => {
  it.each(hostile.map((path) => [JSON.stringify(path), path]))("AZ-06 %s reaches no handler", async (_shown, path) => {
    expect(await verdict(SecretsService.method.getSecret, path)).toBe("REQUEST_INVALID");
    const underDenial = [allow("*", ""), deny("*", "secrets/team-a")];
    expect(await verdict(SecretsService.method.getSecret, path, underDenial)).not.toBe("OK");
  });

  it.each(hostile.map((path) => [JSON.stringify(path), path]))(
    "AZ-06 %s is granted to nobody",
    async (_shown, path) => {
      const chain = createFakeChain({ tokens: { t: principalOf({ grants: [allow("*", "")] }) } });
      const request = { principalId: `prn_${bob}`, role: "viewer", resource: `secrets/${path}` };
      const reply = await callThrough(
        chain,
        GrantService.method.createGrant,
        request,
        incomingOf({ metadata: bearing("t") }),
      );
      expect("failure" in reply && readStatus(reply.failure.status).info?.reason).toBe("REQUEST_INVALID");
    },
  );
});
