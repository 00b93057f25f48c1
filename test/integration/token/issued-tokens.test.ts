// Tokens without a session, and exchanged ones, as the database knows them: what ends them for STRONG, and for a replica that has not
// heard of it; and proofs that replicas share.
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  BatchIntrospectRequestSchema,
  BatchIntrospectResponseSchema,
  ExchangeTokenRequestSchema,
  type ExchangeTokenResponse,
  IssueTokenRequestSchema,
  type IssueTokenResponse,
  RevokeSubjectRequestSchema,
  TokenKind,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FeedEvent, Reader } from "../../../src/kernel/database.ts";
import { EncodedAnswer } from "../../../src/kernel/handler.ts";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import type { Client } from "../../../src/kernel/ports.ts";
import type { Standing } from "../../../src/kernel/principal.ts";
import { readFeedPage } from "../../../src/postgres/feed-page.ts";
import { createProofs } from "../../../src/token/proofs.ts";
import { aClient, fakeClients } from "../../fakes/clients.ts";
import { fakeMachines } from "../../fakes/machines.ts";
import { allow, principalOf } from "../../fakes/principal.ts";
import {
  createTestMacs,
  createTokenWorld,
  standingOf,
  type TokenWorld,
  tokenSettings,
} from "../../fakes/token-world.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { makeProver } from "../../fixtures/dpop.ts";
import { createInstallation, createPerson, type Installation, introspect, logIn } from "./world.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase({ poolSize: 16 });
});
afterAll(() => database.drop());

const strong = 2;
const anHour = 3_600_000;

let installation: Installation;
let deaf: TokenWorld;
let robot: Standing;
let backend: Client;
let shop: Client;
let serial = 0;
let key: string;
beforeEach(async () => {
  serial += 1;
  key = uuidv7(new Date());
  const account = uuidv7(new Date("2026-11-21T11:00:00Z"));
  await database.asOwner("insert into principal values ($1, 'service_account', 'active', 1, $2)", [
    account,
    "2026-11-21T11:00:00Z",
  ]);
  robot = standingOf(account, { kind: "service_account" });
  const own = {
    ...aClient,
    confidential: true,
    generation: 1,
    audiences: ["gatehouse", "shop"],
    scopes: ["secrets.read"],
  };
  backend = { ...own, id: `backend-${serial}`, exchange: true, principalId: account };
  shop = { ...own, id: `shop-${serial}` };
  for (const { id } of [backend, shop])
    await database.asOwner(
      `insert into client (id, state, confidential, display_name, logins, exchange, audiences, scopes, refresh_rotation,
         sender_constraint, display_name_claim, created_at, updated_at)
       values ($1, 'active', true, '', true, true, '{gatehouse,shop}', '{secrets.read}', 'rotate', 'none', false, '2026-11-21Z', '2026-11-21Z')`,
      [id],
    );
  installation = await createInstallation(database);
  const credential = {
    principalId: account,
    standing: robot,
    scopes: ["secrets.read"],
    expiresAt: undefined,
    keyId: key,
  };
  deaf = installation.replica({
    deaf: true,
    clients: fakeClients(backend, shop),
    machines: fakeMachines({ keys: { ghk_good: credential } }),
  });
  deaf.standings.set(robot);
});

async function issue(credential: "key" | "client"): Promise<string> {
  const value = { clientId: backend.id, clientSecret: `${backend.id}-secret` };
  const shown =
    credential === "key" ? ({ case: "apiKey", value: "ghk_good" } as const) : ({ case: "client", value } as const);
  const request = create(IssueTokenRequestSchema, { credential: shown });
  const { issued } = (await deaf.handler("issueToken")(request, deaf.call())) as IssueTokenResponse;
  return issued?.accessToken ?? "";
}

async function exchange(subjectToken: string, actorToken = ""): Promise<string> {
  const request = create(ExchangeTokenRequestSchema, {
    client: { clientId: backend.id, clientSecret: `${backend.id}-secret` },
    subjectToken,
    subjectTokenKind: TokenKind.ACCESS,
    actorToken,
    actorTokenKind: actorToken === "" ? TokenKind.UNSPECIFIED : TokenKind.ACCESS,
  });
  const { issued } = (await deaf.handler("exchangeToken")(request, deaf.call())) as ExchangeTokenResponse;
  return issued?.accessToken ?? "";
}

const announce = (event: Omit<FeedEvent, "expiresAt">) =>
  installation.unitOfWork.commit(draftAt(deaf.time.now), async (tx) => {
    tx.announce({ ...event, expiresAt: new Date(deaf.time.now.getTime() + anHour) });
  });
const alive = async (token: string, consistency = strong) => (await introspect(deaf, token, consistency)).active;
const stop = (client: Client) => database.asOwner("update client set generation = 2 where id = $1", [client.id]);
const jtiOf = (token: string) => String(decodeJwt(token).jti);

describe("a token without a session, for who has heard of nothing", () => {
  it("TOK-08 TOK-25 is dead for STRONG with its key, its client, or alone, and nothing else kills it", async () => {
    const [byKey, byClient, alone] = [await issue("key"), await issue("client"), await issue("client")];
    await announce({ kind: "credential", key: uuidv7(deaf.time.now) });
    await announce({ kind: "token", key: uuidv7(deaf.time.now) });
    await stop(shop);
    for (const token of [byKey, byClient, alone]) expect(await alive(token)).toBe(true);
    await announce({ kind: "token", key: jtiOf(alone) });
    expect([await alive(byKey), await alive(byClient), await alive(alone)]).toEqual([true, true, false]);
    await announce({ kind: "credential", key });
    expect([await alive(byKey), await alive(byClient)]).toEqual([false, true]);
    await stop(backend);
    expect(await alive(byClient)).toBe(false);
    // Memory that is behind still says otherwise, until it may not be relied upon.
    expect(await alive(byClient, 0)).toBe(true);
    deaf.freshness.isFresh = false;
    expect(await alive(byClient, 0)).toBe(false);
  });
});

describe("a batch, for who has heard of nothing", () => {
  it("M-02 TOK-08 is answered for STRONG as each token by itself, by one statement", async () => {
    const statements: string[] = [];
    const reader: Reader = {
      rows(statement, parameters) {
        statements.push(statement.name);
        return database.reader.rows(statement, parameters);
      },
    };
    const world = createTokenWorld({ ...installation, reader, writer: database.writer });
    const [person, stopped] = [await createPerson(database, deaf), await createPerson(database, deaf)];
    const ofShop = { client: shop, clientId: shop.id, audience: "shop" };
    const [subject, theirs] = [await logIn(deaf, person, ofShop), await logIn(deaf, stopped)];
    const byClient = await issue("client");
    const exchanged = await exchange(subject.accessToken, byClient);
    const tokens = [await issue("key"), exchanged, subject.accessToken, theirs.accessToken, "junk"];
    tokens.push(subject.refreshToken, theirs.refreshToken);
    await database.asOwner("update principal set state = 'disabled' where id = $1", [stopped.principalId]);
    await announce({ kind: "token", key: jtiOf(byClient) });
    const request = create(BatchIntrospectRequestSchema, { tokens, consistency: strong });
    const caller = principalOf({ grants: [allow("token.introspect", "tokens")] });
    const answer = await world.handler("batchIntrospect")(request, world.call({ principal: caller }));
    if (!(answer instanceof EncodedAnswer)) throw new TypeError("not serialised");
    const { results } = fromBinary(BatchIntrospectResponseSchema, answer.bytes);
    expect(results.map(({ active }) => active)).toEqual([true, false, true, false, false, true, false]);
    expect(statements.toSorted()).toEqual(["token.access_state", "token.sessions_find"]);
  });
});

describe("TOK-25 a token of a key that ends", () => {
  const end = () => new Date(deaf.time.now.getTime() + 60_000);
  async function replaceKey(): Promise<void> {
    await database.asOwner("insert into service_account values ($1, 'robot', $2, $1, $2)", [robot.principalId, end()]);
    await database.asOwner(
      `insert into api_key (id, principal_id, token_hash, hash_version, prefix, display_name, scopes, created_at, created_by, expires_at)
       values ($1, $2, $3, 1, '', 'ci', '{*}', '2026-11-21Z', $2, $4)`,
      [key, robot.principalId, Buffer.from(key), end()],
    );
  }

  it("is dead from that instant on, for who heard of it and for who did not, and so is what it was exchanged for", async () => {
    const person = await createPerson(database, deaf);
    const subject = await logIn(deaf, person, { client: shop, clientId: shop.id, audience: "shop" });
    const token = await issue("key");
    const exchanged = await exchange(subject.accessToken, token);
    await replaceKey();
    const states = async () => [
      await alive(token),
      await alive(exchanged),
      await alive(token, 0),
      await alive(exchanged, 0),
    ];
    expect(await states()).toEqual([true, true, true, true]);
    const expiresAt = new Date(deaf.time.now.getTime() + anHour);
    const told = { kind: "credential_end", key: `${key}:${end().getTime()}`, expiresAt } as const;
    deaf.pass(59_999);
    expect(await states()).toEqual([true, true, true, true]);
    deaf.pass(1);
    expect(await states()).toEqual([false, false, true, true]);
    deaf.feed(told);
    expect(await states()).toEqual([false, false, false, false]);
  });
});

describe("TOK-10 RevokeSubject for one client", () => {
  /** At another replica, which hears of everything. */
  async function end(standing: Standing, clientId: string): Promise<TokenWorld> {
    const other = installation.replica({ clients: fakeClients(backend, shop) });
    other.standings.set(robot);
    other.standings.set(standing);
    const caller = other.call({ principal: principalOf({ id: standing.principalId }) });
    await other.handler("revokeSubject")(create(RevokeSubjectRequestSchema, { clientId }), caller);
    return other;
  }
  const lives = async (world: TokenWorld, token: string, consistency = 0) =>
    (await introspect(world, token, consistency)).active;

  it("ends tokens without a session, for who heard of it and for who did not, and no others of the account", async () => {
    const [byClient, byKey] = [await issue("client"), await issue("key")];
    const other = await end(robot, backend.id);
    for (const consistency of [0, strong]) {
      expect(await lives(other, byClient, consistency)).toBe(false);
      expect(await lives(other, byKey, consistency)).toBe(true);
    }
    expect([await alive(byClient), await alive(byKey)]).toEqual([false, true]);
    await end(robot, `prn_${robot.principalId}`);
    expect(await alive(byKey)).toBe(false);
  });

  it("ends what the client got in an exchange, and leaves the session that it came of", async () => {
    const person = await createPerson(database, deaf);
    const subject = await logIn(deaf, person, { client: shop, clientId: shop.id, audience: "shop" });
    const exchanged = await exchange(subject.accessToken);
    await end(person, backend.id);
    expect([await alive(exchanged), await alive(subject.accessToken)]).toEqual([false, true]);
  });

  it("leaves alive what is handed out afterwards, until it is ended again", async () => {
    const old = await issue("client");
    const other = await end(robot, backend.id);
    const late = await issue("client");
    expect([await lives(other, late), await alive(late)]).toEqual([false, false]);
    deaf.feed(...installation.announced);
    const after = await issue("client");
    for (const consistency of [0, strong])
      expect([await lives(other, after, consistency), await lives(other, old, consistency)]).toEqual([true, false]);
    const again = await end(robot, backend.id);
    expect([await lives(again, after), await alive(after)]).toEqual([false, false]);
  });

  it("holds after a restart, from what the database tells", async () => {
    const token = await issue("client");
    await end(robot, backend.id);
    const restarted = installation.replica({ deaf: true });
    restarted.standings.set(robot);
    expect(await lives(restarted, token)).toBe(true);
    const { events } = await readFeedPage(database.reader, 0, deaf.time.now);
    restarted.feed(...events.map(({ event }) => event));
    expect(await lives(restarted, token)).toBe(false);
  });
});

describe("an exchanged token, for who has heard of nothing", () => {
  async function ofPerson() {
    const person = await createPerson(database, deaf);
    const subject = await logIn(deaf, person, { client: shop, clientId: shop.id, audience: "shop" });
    return { person, subject, token: await exchange(subject.accessToken) };
  }

  it.each([
    ["its own id", async ({ token }) => announce({ kind: "token", key: jtiOf(token) })],
    [
      "the id of the subject's token",
      async ({ subject }) => announce({ kind: "token", key: jtiOf(subject.accessToken) }),
    ],
    ["the client that exchanged it", async () => stop(backend)],
    ["the client of the subject's token", async () => stop(shop)],
    [
      "the key that signed the subject's",
      async () => announce({ kind: "compromised_key", key: deaf.signer.current().kid }),
    ],
    [
      "the session of the subject",
      async ({ subject }) =>
        database.asOwner("update session set ended_at = now(), end_reason = 'x' where id = $1", [subject.sessionId]),
    ],
    [
      "the account of the client that exchanged it",
      async () => database.asOwner("update principal set state = 'disabled' where id = $1", [robot.principalId]),
    ],
    [
      "all that this account was given",
      async () => database.asOwner("update principal set generation = 2 where id = $1", [robot.principalId]),
    ],
    ["the subject itself", async ({ person }) => deaf.standings.setElsewhere({ ...person, active: false })],
  ] as readonly [string, (made: Awaited<ReturnType<typeof ofPerson>>) => Promise<unknown>][])(
    "TOK-08 CVE-2023-22492 is dead for STRONG with %s",
    async (_title, end) => {
      const made = await ofPerson();
      expect(await alive(made.token)).toBe(true);
      await end(made);
      expect(await alive(made.token)).toBe(false);
    },
  );

  it("TOK-18 is dead for STRONG with the session of its actor, and the key of a machine", async () => {
    const { subject } = await ofPerson();
    const actor = await logIn(deaf, await createPerson(database, deaf), {
      client: shop,
      clientId: shop.id,
      audience: "shop",
    });
    const [one, other] = [
      await exchange(subject.accessToken, actor.accessToken),
      await exchange(subject.accessToken, await issue("key")),
    ];
    expect([await alive(one), await alive(other)]).toEqual([true, true]);
    await database.asOwner("update session set ended_at = now(), end_reason = 'x' where id = $1", [actor.sessionId]);
    expect([await alive(one), await alive(other)]).toEqual([false, true]);
    await announce({ kind: "credential", key });
    expect(await alive(other)).toBe(false);
  });

  it("TOK-18 is dead for STRONG with its actor, however often it was exchanged since", async () => {
    const { subject } = await ofPerson();
    const person = await createPerson(database, deaf);
    const actor = await logIn(deaf, person, { client: shop, clientId: shop.id, audience: "shop" });
    const once = await exchange(subject.accessToken, actor.accessToken);
    const twice = await exchange(once);
    expect([await alive(once), await alive(twice)]).toEqual([true, true]);
    await database.asOwner("update principal set state = 'disabled' where id = $1", [person.principalId]);
    expect([await alive(once), await alive(twice), await alive(subject.accessToken)]).toEqual([false, false, true]);
  });

  it("TOK-08 is not given for what another replica ended a moment ago", async () => {
    const { subject, person } = await ofPerson();
    await database.asOwner("update session set ended_at = now(), end_reason = 'x' where id = $1", [subject.sessionId]);
    await expect(exchange(subject.accessToken)).rejects.toMatchObject({
      reason: "SUBJECT_TOKEN_INVALID",
      auditReason: "TOKEN_REVOKED",
    });
    deaf.standings.setElsewhere({ ...person, active: false });
    await expect(exchange(subject.accessToken)).rejects.toMatchObject({ reason: "SUBJECT_TOKEN_INVALID" });
  });
});

describe("a used proof", () => {
  const replica = () => createProofs({ macs: createTestMacs(), writer: database.writer, settings: tokenSettings.dpop });
  const count = async () => (await database.asOwner("select count(*)::integer as count from used_proof", []))[0]?.count;

  it("TOK-23 GHSA-3p3g-vpw6-4w66 works once on two replicas that share a database, 20 at once, 20 rounds", async () => {
    const prover = await makeProver();
    const replicas = [replica(), replica()];
    const now = new Date();
    for (let round = 0; round < 20; round += 1) {
      const possession = {
        proofs: [await prover.proof("/x", { now })],
        httpMethod: "POST",
        path: "/x",
        certificate: undefined,
      };
      const tries = Array.from({ length: 20 }, (_, index) =>
        replicas[index % 2]?.check({ possession, now }, undefined),
      );
      const settled = await Promise.allSettled(tries);
      expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    }
  });

  it("TOK-23 is remembered longer than any clock takes it for new, also after a restart, and forgotten then", async () => {
    await database.asOwner("delete from used_proof", []);
    const prover = await makeProver();
    const now = new Date();
    const possession = {
      proofs: [await prover.proof("/x", { now })],
      httpMethod: "POST",
      path: "/x",
      certificate: undefined,
    };
    await replica().check({ possession, now }, undefined);
    const at = (ms: number) => new Date(now.getTime() + ms);
    await replica().sweep.run(at(90_000));
    expect(await count()).toBe(1);
    await expect(replica().check({ possession, now }, undefined)).rejects.toMatchObject({ auditReason: "PROOF_USED" });
    await replica().sweep.run(at(120_001));
    expect(await count()).toBe(0);
    // Nobody takes it any more by then, whichever clock asks.
    await expect(replica().check({ possession, now: at(90_000) }, undefined)).rejects.toMatchObject({
      auditReason: "PROOF_TIME_WRONG",
    });
  });
});
