// The Token methods through the real chain: who is let in, what is recorded, and that it is recorded once.
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noLines } from "../../../src/kernel/logger.ts";
import { noMetrics } from "../../../src/kernel/metrics.ts";
import { everywhere } from "../../../src/kernel/networks.ts";
import { createChain } from "../../../src/rpc/chain.ts";
import { createPolicyTable } from "../../../src/rpc/policy.ts";
import { createSteps } from "../../../src/rpc/steps.ts";
import { createMessageValidator } from "../../../src/rpc/validation.ts";
import { createFakeRecorder } from "../../fakes/audit-recorder.ts";
import { bearing, callThrough, incomingOf } from "../../fakes/chain.ts";
import { createFakeLimiting } from "../../fakes/limits.ts";
import { createFakeLogger } from "../../fakes/logger.ts";
import { allow } from "../../fakes/principal.ts";
import { createFakeRequestRecords } from "../../fakes/request-records.ts";
import { readStatus } from "../../fakes/status.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { createInstallation, createPerson, logIn } from "./world.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.drop());

const { introspect, refresh, revoke, getJwks, revokeSubject } = TokenService.method;

async function open(secondFactor = false) {
  const installation = await createInstallation(database);
  const world = installation.replica();
  const standing = await createPerson(database, world);
  const tokens = await logIn(world, standing);
  const [recorder, records, logger] = [createFakeRecorder(), createFakeRequestRecords(), createFakeLogger()];
  const table = createPolicyTable(world.slice.bindings);
  const steps = createSteps({
    logger,
    log: { calls: "off", lines: noLines, tracer: undefined },
    metrics: noMetrics,
    recorder,
    records,
    table,
    authenticator: world.slice.authenticator,
    validator: createMessageValidator(),
    access: { stepUpAgeMs: undefined, secondFactor, adminNetworks: () => everywhere },
    ...createFakeLimiting({ table, logger }),
    deadline: { defaultMs: 30_000, maxMs: 60_000 },
  });
  const clock = { now: () => world.time.now };
  const chain = createChain({ steps, clock, unitOfWork: installation.unitOfWork, records, countGuess: () => {} });
  return { installation, world, standing, tokens, recorder, logger, served: { chain, table } };
}

const anonymous = incomingOf();
const as = (token: string) => incomingOf({ metadata: bearing(token) });

/** The access token that a refresh answers with. */
async function renewed(served: Awaited<ReturnType<typeof open>>["served"], refreshToken: string) {
  const reply = await callThrough(served, refresh, { refreshToken }, anonymous);
  return "answer" in reply ? (reply.answer.tokens?.accessToken ?? "") : "";
}

describe("the Token methods through the chain", () => {
  it("TOK-15 J-07 are closed to callers without a token, but for Refresh and GetJwks", async () => {
    const { served, tokens } = await open();
    const token = tokens.accessToken;
    expect(await callThrough(served, introspect, { token }, anonymous)).toMatchObject({ failure: { code: 16 } });
    expect(await callThrough(served, revoke, { token }, anonymous)).toMatchObject({ failure: { code: 16 } });
    expect(await callThrough(served, getJwks, {}, anonymous)).toMatchObject({ answer: { keys: [{ kty: "EC" }] } });
    const { refreshToken } = tokens;
    expect(await callThrough(served, refresh, { refreshToken }, anonymous)).toHaveProperty("answer");
  });

  it("TOK-15 a caller asks about its own token, ends it, and is out", async () => {
    const { served, tokens } = await open();
    const token = tokens.accessToken;
    expect(await callThrough(served, introspect, { token }, as(token))).toMatchObject({ answer: { active: true } });
    expect(await callThrough(served, revoke, { token }, as(token))).toHaveProperty("answer");
    expect(await callThrough(served, introspect, { token }, as(token))).toMatchObject({ failure: { code: 16 } });
  });

  it("JWT-16 a refresh token is no bearer token", async () => {
    const { served, tokens, recorder } = await open();
    const answer = await callThrough(served, introspect, { token: "x" }, as(tokens.refreshToken));
    expect(answer).toMatchObject({ failure: { code: 16, message: "the credential is not accepted" } });
    expect(recorder.drafts.at(-1)).toMatchObject({ reason: "TOKEN_WRONG_KIND", outcome: "FAILURE" });
  });

  it("TOK-02 a reuse is answered like any bad token and leaves exactly one record, the one that ended the session", async () => {
    const { served, tokens, world, recorder, installation } = await open();
    const { refreshToken } = tokens;
    await callThrough(served, refresh, { refreshToken }, anonymous);
    world.pass(30_000);
    const before = installation.records.length;
    const reused = await callThrough(served, refresh, { refreshToken }, anonymous);
    const forged = await callThrough(served, refresh, { refreshToken: `${refreshToken}A` }, anonymous);
    if (!("failure" in reused) || !("failure" in forged)) throw new TypeError("let in");
    expect([reused.failure.code, reused.failure.message]).toEqual([forged.failure.code, forged.failure.message]);
    expect(installation.records.slice(before)).toMatchObject([
      {
        event: "authn.token_reuse",
        outcome: "FAILURE",
        grpcCode: 16,
        method: "gatehouse.token.v1.TokenService/Refresh",
      },
    ]);
    expect(recorder.drafts).toMatchObject([{ event: "token.refreshed", reason: "REFRESH_TOKEN_FORGED" }]);
  });

  it("CLM-11 a change of who may do what is for tokens of two factors, and a refreshed one keeps the class of its login", async () => {
    const { served, world, standing } = await open(true);
    const other = await createPerson(database, world);
    world.standings.set({ ...standing, grants: [allow("*", "")] });
    const change = (accessToken: string) =>
      callThrough(served, revokeSubject, { principalId: `prn_${other.principalId}` }, as(accessToken));
    const asked = { reason: "STEP_UP_REQUIRED", metadata: { acr_values: "aal2" } };
    const lesser = [
      { authenticationMethods: ["pwd"], authenticationContext: "aal1" },
      { authenticationMethods: ["pwd"], authenticationContext: "aal2" },
      { authenticationMethods: ["pwd", "otp"], authenticationContext: "aal1" },
    ];
    for (const authentication of lesser) {
      const session = await logIn(world, standing, authentication);
      const refreshed = await renewed(served, session.refreshToken);
      for (const token of [session.accessToken, refreshed]) {
        const reply = await change(token);
        expect("failure" in reply && readStatus(reply.failure.status).info).toMatchObject(asked);
      }
    }
    const both = { authenticationMethods: ["pwd", "otp"], authenticationContext: "aal2" };
    const session = await logIn(world, standing, both);
    expect(await change(await renewed(served, session.refreshToken))).toHaveProperty("answer");
    expect(await change(session.accessToken)).toHaveProperty("answer");
  });

  it("P-05 no token is in a log line or a record", async () => {
    const { served, tokens, recorder, logger, installation } = await open();
    const { refreshToken, accessToken } = tokens;
    await callThrough(served, introspect, { token: refreshToken }, as(accessToken));
    await callThrough(served, introspect, { token: accessToken }, as(`${accessToken}A`));
    await callThrough(served, refresh, { refreshToken }, anonymous);
    await callThrough(served, refresh, { refreshToken: accessToken }, anonymous);
    await callThrough(served, revoke, { token: refreshToken }, as(accessToken));
    const printed = JSON.stringify([recorder.drafts, logger.lines, installation.records], (_key, value: unknown) =>
      value instanceof Error ? { message: value.message, stack: value.stack } : value,
    );
    expect(printed.length).toBeGreaterThan(500);
    expect(printed).not.toContain(refreshToken.slice(4, 24));
    expect(printed).not.toContain(accessToken.split(".")[2]);
    expect(printed).not.toContain(accessToken.split(".")[1]);
  });
});
