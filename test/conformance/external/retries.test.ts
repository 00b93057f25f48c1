// What two independent clients of gRPC make of our refusals: they retry only what was refused in one frame, and wait as
// long as they are told.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it, onTestFinished } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { call, openTestDoor, pathOf } from "../door.ts";
import { callers } from "./clients/callers.ts";

const { getJwks } = TokenService.method;
const path = pathOf(getJwks);

/** A door whose method fails as listed, then succeeds, and when each attempt came. */
async function doorThatFails(...failures: readonly GatehouseError[]) {
  const left = [...failures];
  const attempts: number[] = [];
  const answer = () => {
    attempts.push(performance.now());
    const failure = left.shift();
    if (failure !== undefined) throw failure;
    return {};
  };
  const opened = await openTestDoor({ script: { "TokenService/GetJwks": answer } });
  onTestFinished(() => opened.close());
  return { address: opened.door.address, attempts, opened };
}

const away = () => new GatehouseError("DATABASE_UNAVAILABLE");

describe.each(callers)("%s", (_, call) => {
  it("repeats a call that was refused as UNAVAILABLE until it succeeds", async () => {
    const { address, attempts } = await doorThatFails(away(), away());
    expect(await call(address, path)).toBe("OK");
    expect(attempts).toHaveLength(3);
  });

  it("gives up after its last attempt", async () => {
    const { address, attempts } = await doorThatFails(away(), away(), away(), away());
    expect(await call(address, path)).toBe("UNAVAILABLE");
    expect(attempts).toHaveLength(4);
  });

  it("waits as long as the server pushes back, not as long as its own policy has it", async () => {
    const { address, attempts } = await doorThatFails(
      new GatehouseError("DATABASE_UNAVAILABLE", { retryAfterMs: 400 }),
    );
    expect(await call(address, path)).toBe("OK");
    const [first = 0, second = 0] = attempts;
    expect(second - first).toBeGreaterThanOrEqual(390);
  });

  it("does not repeat what was refused for another reason, pushback or not", async () => {
    const { address, attempts } = await doorThatFails(new GatehouseError("RATE_LIMITED", { retryAfterMs: 1 }));
    expect(await call(address, path)).toBe("RESOURCE_EXHAUSTED");
    expect(attempts).toHaveLength(1);
  });
});

describe("a refusal", () => {
  it("is one frame, whatever refuses: the handler, the gate, the decoder, the door", async () => {
    const { opened } = await doorThatFails(away());
    const refused = await Promise.all([
      call(opened, getJwks, {}),
      call(opened, AuthService.method.whoAmI, {}),
      call(opened, AuthService.method.whoAmI, {}, { authorization: "Bearer no" }),
      call(opened, getJwks, {}, { "grpc-timeout": "soon" }),
      call(opened, getJwks, {}, { ":path": "/gatehouse.token.v1.TokenService/None" }),
    ]);
    expect(refused.map(({ code }) => code)).toEqual([14, 16, 16, expect.any(Number), 12]);
    expect(refused.map(({ trailersOnly }) => trailersOnly)).toEqual([true, true, true, true, true]);
  });
});
