// Limits in Redis or Valkey: one hash a key, one script a call, and keys that go away when they owe nothing.
import { GatehouseError } from "../kernel/errors.ts";
import { cellsOf, decisionOf } from "../rpc/limits/cells.ts";
import type { LimitStore } from "../rpc/limits/ports.ts";
import type { RedisConnection } from "./connection.ts";
import { limitScript, limitScriptSha } from "./limit-script.ts";

const keyPrefix = "gatehouse:limit:";
// Clocks of replicas may differ by this much without a debt being forgotten.
const graceMs = 60_000;

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** The script by its hash; whole when the server has lost it (a restart, a fail-over, SCRIPT FLUSH). */
async function run(connection: RedisConnection, key: string, numbers: readonly number[]): Promise<unknown> {
  const rest = ["1", key, ...numbers.map(String)];
  try {
    return await connection.send(["EVALSHA", limitScriptSha, ...rest]);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return connection.send(["EVAL", limitScript, ...rest]);
  }
}

function heldOf(reply: unknown): { readonly arrival: number; readonly refusals: number } {
  const [arrival, refusals] = Array.isArray(reply) ? reply.map(Number) : [];
  if (!Number.isSafeInteger(arrival) || !Number.isSafeInteger(refusals))
    throw new TypeError("the script answered something else than two numbers");
  return { arrival: Number(arrival), refusals: Number(refusals) };
}

export function createRedisLimitStore(connection: RedisConnection): LimitStore {
  return {
    kind: "redis",
    async take(key, rate, now, cost) {
      const cells = cellsOf(rate);
      const at = now.getTime() * 1000;
      try {
        const name = `${keyPrefix}${key.toString("base64url")}`;
        const held = heldOf(await run(connection, name, [at, cost * cells.step, cells.burst, graceMs]));
        return decisionOf(held, cells, at, cost);
      } catch (cause) {
        throw new GatehouseError("LIMITS_UNAVAILABLE", { cause });
      }
    },
  };
}
