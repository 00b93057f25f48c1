// Two processes on one database: what is revoked at one is dead at the other within a second, whenever the transaction commits, and
// stays dead; and a refresh token has one successor, whoever asks where.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import { connect } from "../../../src/postgres/connection.ts";
import { announceParameters, announceStatement } from "../../../src/postgres/feed-statements.ts";
import { clientOf, logIn, visitorOf } from "./installation.ts";
import { type Pair, startPair } from "./pair.ts";

const promiseMs = 1_000;
const rounds = 100;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair?.[Symbol.asyncDispose]());

const administrator = (index: 0 | 1): Gatehouse => clientOf(pair.at(index), pair.administrator.tokens.accessToken);

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    ({ reason }: { reason: string }) => reason,
  );

/**
 * How long after now the last call began that the process still let in; 0 = none was. Beginnings are counted, because how long
 * a call then takes is the machine's business and not the promise's.
 */
async function letInFor(token: string, index: 0 | 1): Promise<number> {
  const caller = clientOf(pair.at(index), token);
  const since = performance.now();
  try {
    for (let last = 0; ; ) {
      const begun = performance.now() - since;
      const reason = await refusal(caller.auth.whoAmI({}));
      if (reason === "CREDENTIAL_INVALID") return last;
      if (reason !== undefined) throw new Error(`refused for another reason: ${reason}`);
      last = begun;
      if (last > 10 * promiseMs) return last;
    }
  } finally {
    caller.close();
  }
}

/** Access tokens of one session; each can be ended alone. */
async function accessTokens(count: number): Promise<readonly string[]> {
  const visitor = visitorOf(pair.at(0));
  let { refreshToken } = (await logIn(visitor, pair.administrator)).tokens;
  const made: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const { tokens } = await visitor.tokens.refresh({ refreshToken });
    if (tokens === undefined) throw new TypeError("no tokens");
    ({ refreshToken } = tokens);
    made.push(tokens.accessToken);
  }
  visitor.close();
  return made;
}

const jtiOf = (token: string): string =>
  (JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { jti: string }).jti;

/** Announces a revocation as a third replica would, and commits when it is told to. */
async function lateRevocation(token: string) {
  const client = await connect(pair.database.connection("app"), 20_000);
  await client.query("begin read write");
  const event = { kind: "token", key: jtiOf(token), expiresAt: new Date(Date.now() + 3_600_000) } as const;
  await client.query(announceStatement.text, [...announceParameters([event])]);
  return {
    async commit() {
      await client.query("commit");
      await client.end();
    },
  };
}

describe("a token that was revoked at one process", () => {
  it("TOK-08 F-01 is refused by the other within a second, 100 of 100, also when a transaction commits late", {
    timeout: 180_000,
  }, async () => {
    const tokens = await accessTokens(rounds + rounds / 2);
    const root = administrator(0);
    const took: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const token = tokens[round] ?? "";
      expect(await refusal(clientOf(pair.at(1), token).auth.whoAmI({}))).toBeUndefined();
      if (round % 2 === 0) {
        await root.tokens.revoke({ token });
        took.push(await letInFor(token, 1));
        continue;
      }
      // Another transaction has taken the lower number and is slow: whoever comes after it waits, and nobody skips it.
      const other = tokens[rounds + (round - 1) / 2] ?? "";
      expect(await refusal(clientOf(pair.at(1), other).auth.whoAmI({}))).toBeUndefined();
      const late = await lateRevocation(other);
      const revoking = root.tokens.revoke({ token });
      await pair.database.untilBlocked();
      expect(await refusal(clientOf(pair.at(1), token).auth.whoAmI({}))).toBeUndefined();
      await late.commit();
      took.push(Math.max(...(await Promise.all([letInFor(other, 1), revoking.then(() => letInFor(token, 1))]))));
    }
    expect(took.filter((ms) => ms >= promiseMs)).toEqual([]);
    expect(took).toHaveLength(rounds);

    await pair.killAndStart();
    for (const index of [0, 1] as const) {
      for (const token of tokens) {
        const caller = clientOf(pair.at(index), token);
        expect(await refusal(caller.auth.whoAmI({}))).toBe("CREDENTIAL_INVALID");
        caller.close();
      }
    }
  });
});

describe("a subject whose tokens were all revoked", () => {
  it("TOK-10 TOK-08 is out everywhere within a second, logs in again, and stays out of what was before after kill -9", {
    timeout: 60_000,
  }, async () => {
    const visitor = visitorOf(pair.at(1));
    const old = await logIn(visitor, pair.administrator);
    const { accessToken, refreshToken } = old.tokens;
    await clientOf(pair.at(1), accessToken).auth.whoAmI({});
    const { endedSessions } = await administrator(0).tokens.revokeSubject({});
    expect(endedSessions).toBeGreaterThan(0);
    expect(await letInFor(accessToken, 1)).toBeLessThan(promiseMs);
    expect(await refusal(visitor.tokens.refresh({ refreshToken }))).toBe("REFRESH_TOKEN_INVALID");
    const again = await logIn(visitor, pair.administrator);
    Object.assign(pair.administrator.tokens, again.tokens);
    for (const index of [0, 1] as const)
      expect(await refusal(clientOf(pair.at(index), again.tokens.accessToken).auth.whoAmI({}))).toBeUndefined();
    await pair.killAndStart();
    for (const index of [0, 1] as const) {
      expect(await refusal(clientOf(pair.at(index), accessToken).auth.whoAmI({}))).toBe("CREDENTIAL_INVALID");
      expect(await refusal(visitorOf(pair.at(index)).tokens.refresh({ refreshToken }))).toBe("REFRESH_TOKEN_INVALID");
      expect(await refusal(clientOf(pair.at(index), again.tokens.accessToken).auth.whoAmI({}))).toBeUndefined();
    }
  });
});

describe("refreshes at both processes", () => {
  it("TOK-03 20 at once of one token, 50 rounds: one successor, never two live leaves", {
    timeout: 180_000,
  }, async () => {
    const visitors = [visitorOf(pair.at(0)), visitorOf(pair.at(1))];
    let { refreshToken } = (await logIn(visitorOf(pair.at(0)), pair.administrator)).tokens;
    for (let round = 0; round < 50; round += 1) {
      const presented = refreshToken;
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => visitors[n % 2]?.tokens.refresh({ refreshToken: presented })),
      );
      const successors = new Set(answers.map((answer) => answer?.tokens?.refreshToken));
      expect(successors.size).toBe(1);
      refreshToken = [...successors][0] ?? "";
      const tokens = [presented, refreshToken];
      const { results } = await administrator(round % 2 === 0 ? 0 : 1).tokens.batchIntrospect({ tokens });
      expect(results.map(({ active }) => active)).toEqual([false, true]);
    }
  });
});
