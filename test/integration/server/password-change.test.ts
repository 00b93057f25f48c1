// A changed password with the real command, on two processes of one database and by both doors: what it ends is dead everywhere
// within a second, and guesses at it are those of Login.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastOtherwise } from "./beginnings.ts";
import { budget, guess, guessByGrpc, post, tally } from "./guessing.ts";
import { clientOf, logIn, type Person, register, visitorOf } from "./installation.ts";
import { type Pair, startPair } from "./pair.ts";

const promiseMs = 1_000;
const password = "a quiet harbour at dawn";
const next = "a loud harbour at noon";
const changeMethod = "gatehouse.auth.v1.AuthService/ChangePassword";
const bearer = ({ tokens }: Pick<Person, "tokens">) => ({ authorization: `Bearer ${tokens.accessToken}` });

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ ...budget, GATEHOUSE_REGISTRATION: "open" });
});
afterAll(() => pair?.[Symbol.asyncDispose]());

async function using<T>(work: (visitor: ReturnType<typeof visitorOf>) => Promise<T>, index: 0 | 1 = 0): Promise<T> {
  const visitor = visitorOf(pair.at(index));
  try {
    return await work(visitor);
  } finally {
    visitor.close();
  }
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "OK",
    ({ reason }: { reason: string }) => reason,
  );
}

const whoIs = async (accessToken: string, index: 0 | 1) => {
  const client = clientOf(pair.at(index), accessToken);
  return refusalOf(client.auth.whoAmI({})).finally(() => client.close());
};

describe("ChangePassword", () => {
  it("TOK-09 over gRPC ends the other sessions on every replica within a second", async () => {
    const grace = await using((visitor) => register(visitor, { loginName: "grace", password }));
    const elsewhere = await using((visitor) => logIn(visitor, grace), 1);
    expect(await whoIs(elsewhere.tokens.accessToken, 1)).toBe("OK");
    const client = clientOf(pair.at(0), grace.tokens.accessToken);
    const { tokens, endedSessions } = await client.auth.changePassword({
      currentPassword: password,
      newPassword: next,
    });
    client.close();
    const answered = performance.now();
    expect(endedSessions).toBe(2);
    for (const { accessToken, refreshToken } of [elsewhere.tokens, grace.tokens]) {
      for (const index of [0, 1] as const) {
        const isLetIn = async () => (await whoIs(accessToken, index)) === "OK";
        expect(await lastOtherwise(isLetIn, false, answered)).toBeLessThan(promiseMs);
        expect(await refusalOf(using((visitor) => visitor.tokens.refresh({ refreshToken }), index))).toBe(
          "REFRESH_TOKEN_INVALID",
        );
      }
    }
    expect(await whoIs(tokens?.accessToken ?? "", 1)).toBe("OK");
    expect(await refusalOf(using((visitor) => logIn(visitor, grace), 1))).toBe("LOGIN_FAILED");
    await using((visitor) => logIn(visitor, { loginName: "grace", password: next }), 1);
  });

  it("TOK-09 over the web door does the same, and PWD-10 refuses a token without the password", async () => {
    const ada = await using((visitor) => register(visitor, { loginName: "joan", password }));
    const elsewhere = await using((visitor) => logIn(visitor, ada), 1);
    const change = (currentPassword: string, headers: Record<string, string>, index: 0 | 1 = 0) =>
      post(pair.at(index), changeMethod, { currentPassword, newPassword: next }, headers);
    expect((await change(password, {})).reason).toBe("CREDENTIAL_MISSING");
    expect((await change("", bearer(ada))).reason).toBe("CURRENT_PASSWORD_WRONG");
    expect((await change(next, bearer(ada), 1)).reason).toBe("CURRENT_PASSWORD_WRONG");
    expect(await whoIs(elsewhere.tokens.accessToken, 0)).toBe("OK");
    expect((await change(password, bearer(ada))).reason).toBe("OK");
    expect((await change(next, bearer(ada))).reason).toBe("CREDENTIAL_INVALID");
    expect(await refusalOf(using((visitor) => visitor.tokens.refresh(elsewhere.tokens), 1))).toBe(
      "REFRESH_TOKEN_INVALID",
    );
  });

  it("PWD-12 T-02 guesses at the current password and at Login draw on one budget, on both replicas and doors", async () => {
    const mallory = await using((visitor) => register(visitor, { loginName: "mallory", password }));
    const wrong = { currentPassword: "a wrong password", newPassword: next };
    const byChange = async (index: 0 | 1) => (await post(pair.at(index), changeMethod, wrong, bearer(mallory))).reason;
    // Registered and logged in: two of ten.
    const seen = [await byChange(0), await byChange(1), await byChange(0), await byChange(1)];
    seen.push((await guess(pair.at(0), "mallory")).reason, await guessByGrpc(pair.at(1), "MALLORY"));
    seen.push(await byChange(0), await byChange(1), await byChange(0));
    seen.push((await guess(pair.at(1), "mallory")).reason);
    expect(tally(seen)).toEqual({ CURRENT_PASSWORD_WRONG: 6, LOGIN_FAILED: 2, RATE_LIMITED: 2 });
    // Neither the right password nor another session is a way around it.
    const right = { currentPassword: password, newPassword: next };
    expect((await post(pair.at(0), changeMethod, right, bearer(mallory))).reason).toBe("RATE_LIMITED");
  });

  it("AUD-07 leaves a record of the change and of each guess, with no password in it", async () => {
    const rows = await pair.database.asOwner<{ outcome: string; category: string; entry: Buffer }>(
      "select outcome, category, entry from audit_event where event = 'user.password_changed' order by id",
    );
    const reasons = rows.map(({ entry }) => (JSON.parse(entry.toString()) as { reason?: string }).reason ?? "OK");
    expect(tally(reasons)).toMatchObject({ OK: 2, CURRENT_PASSWORD_WRONG: 8, RATE_LIMITED_FIRST: 1 });
    expect(rows.every(({ outcome }, n) => (outcome === "SUCCESS") === (reasons[n] === "OK"))).toBe(true);
    for (const { entry } of rows) expect(entry.toString()).not.toMatch(/harbour|wrong password/);
  });
});
