// Guesses at accounts by both doors, and two servers on one database that count them.
import { shareKeys } from "../../fixtures/key-home.ts";
import type { Environment, GatehouseProcess } from "./gatehouse-process.ts";
import { makeInstallation, quickHashing, visitorOf } from "./installation.ts";

/** Nothing comes back within the time of a test; hashing as cheap as it may be. */
export const budget = {
  GATEHOUSE_LIMIT_LOGIN: "10/24h",
  ...quickHashing,
};

export interface Answer {
  readonly reason: string;
  readonly headers: Headers;
}

export async function post(
  server: GatehouseProcess,
  method: string,
  body: object,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(`${server.webAddress}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const { details = [] } = (await answer.json()) as { details?: { debug?: { reason?: string }; value: string }[] };
  const info = details.map(({ value }) => Buffer.from(value, "base64").toString("latin1")).join(" ");
  const reason = answer.ok ? "OK" : (/\b[A-Z]+_[A-Z_]+[A-Z]\b/.exec(info)?.[0] ?? info);
  return { reason, headers: answer.headers } satisfies Answer;
}

export function guess(
  server: GatehouseProcess,
  loginName: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return post(server, "gatehouse.auth.v1.AuthService/Login", { loginName, password: "a wrong password" }, headers);
}

export async function guessByGrpc(server: GatehouseProcess, loginName: string): Promise<string> {
  const visitor = visitorOf(server);
  try {
    return await visitor.auth.login({ loginName, password: "a wrong password" }).then(
      () => "OK",
      (error: { reason: string }) => error.reason,
    );
  } finally {
    visitor.close();
  }
}

export function tally(reasons: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

/** 32 clients, half at each server, half by each door, five guesses each. */
export async function storm(
  servers: readonly GatehouseProcess[],
  loginName: string,
): Promise<Readonly<Record<string, number>>> {
  const client = async (n: number) => {
    const server = servers[n % servers.length];
    if (server === undefined) throw new Error("no server");
    const seen: string[] = [];
    for (let call = 0; call < 5; call++)
      seen.push(n % 4 < 2 ? (await guess(server, loginName)).reason : await guessByGrpc(server, loginName));
    return seen;
  };
  return tally((await Promise.all(Array.from({ length: 32 }, (_, n) => client(n)))).flat());
}

export async function replicas(given: Environment) {
  const one = await makeInstallation(given);
  const other = await makeInstallation(given);
  const first = await one.start();
  await shareKeys(one.dataDir, other.dataDir);
  return { one, other, servers: [first, await other.start()] as const };
}
