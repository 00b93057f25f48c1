// The gate and bound tokens: asked for each request, once, with what the request shows; and never asked for what is not bound.
import { Access } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { PossessionGuard, ShownToken } from "../../../../src/kernel/ports.ts";
import type { Confirmation } from "../../../../src/kernel/principal.ts";
import type { Exchange } from "../../../../src/rpc/exchange.ts";
import { createAuthenticateStep } from "../../../../src/rpc/steps/authenticate.ts";
import { principalOf } from "../../../fakes/principal.ts";

const now = new Date("2026-11-21T12:00:00Z");
const key: Confirmation = { kind: "key", thumbprint: "A".repeat(43) };

function world(options: { confirmation?: Confirmation; guard?: PossessionGuard["requirePossession"] | "none" } = {}) {
  const asked: ShownToken[] = [];
  const { confirmation, guard = () => undefined } = options;
  const requirePossession: PossessionGuard["requirePossession"] = (principal, shown, at) => {
    asked.push(shown);
    return guard === "none" ? undefined : guard(principal, shown, at);
  };
  const step = createAuthenticateStep({
    authenticator: { authenticate: () => ({ ...principalOf(), confirmation }) },
    possession: guard === "none" ? undefined : { requirePossession },
  });
  const exchangeOf = (authorization: string, target?: Exchange["incoming"]["target"]) => {
    const metadata: Record<string, string[]> = { authorization: [authorization], dpop: ["p1", "p2"] };
    const peer = { address: "192.0.2.1", userAgent: "", certificate: undefined };
    const incoming = { metadata: (name: string) => metadata[name] ?? [], peer, target };
    const entry = { access: Access.AUTHENTICATED, name: "a.v1.S/M" };
    return { incoming, entry, now, principal: undefined } as unknown as Exchange;
  };
  return { step, asked, exchangeOf };
}

const later = new Date(now.getTime() + 5_000);

describe("a token at the gate", () => {
  it("TOK-22 that is bound is shown to the guard with its scheme, every proof, method and path", async () => {
    const { step, asked, exchangeOf } = world({ confirmation: key });
    const exchange = exchangeOf("DPoP t1");
    await step.enter?.(exchange);
    expect(exchange.principal?.confirmation).toEqual(key);
    const possession = { httpMethod: "POST", path: "/a.v1.S/M", proofs: ["p1", "p2"], certificate: undefined };
    expect(asked).toEqual([{ token: "t1", scheme: "dpop", possession }]);
    await step.enter?.(exchangeOf("Bearer t1", { httpMethod: "POST", path: "/oauth2/token" }));
    expect(asked[1]).toMatchObject({ scheme: "bearer", possession: { path: "/oauth2/token" } });
  });

  it("TOK-24 that is not bound is not, unless it comes as DPoP", async () => {
    const { step, asked, exchangeOf } = world();
    await step.enter?.(exchangeOf("Bearer t1"));
    expect(asked).toEqual([]);
    await step.enter?.(exchangeOf("dpop t1"));
    expect(asked).toHaveLength(1);
  });

  it("TOK-24 that is bound makes nobody of its bearer when the guard refuses, at once or later, or when there is none", async () => {
    const refusal = new GatehouseError("PROOF_INVALID");
    const thrower = () => {
      throw refusal;
    };
    for (const guard of [thrower, async () => thrower(), "none"] as const) {
      const { step, exchangeOf } = world({ confirmation: key, guard });
      const exchange = exchangeOf("DPoP t1");
      await expect(async () => step.enter?.(exchange)).rejects.toMatchObject({
        reason: guard === "none" ? "CREDENTIAL_INVALID" : "PROOF_INVALID",
      });
      expect(exchange.principal).toBeUndefined();
    }
  });

  it("TOK-23 of a stream shows its proof once, however often the token is looked at again", async () => {
    const { step, asked, exchangeOf } = world({ confirmation: key });
    const exchange = exchangeOf("DPoP t1");
    await step.enter?.(exchange);
    step.begin?.(exchange);
    for (let look = 0; look < 3; look += 1) await step.again?.(exchange, later);
    expect(asked).toHaveLength(1);
    expect(exchange.principal).toBeDefined();
  });
});
