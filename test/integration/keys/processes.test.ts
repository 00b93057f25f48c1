// The real command: two processes on one database whose signing keys are rotated and stolen, and a process that is killed
// while it does so.
import { randomBytes, randomInt } from "node:crypto";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gatehouse, type Tokens, tokensOf } from "../../../clients/typescript/src/index.ts";
import { SigningKeyState as State } from "../../../gen/ts/gatehouse/token/v1/signing_key_service_pb.js";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { keyHome, shareKeys } from "../../fixtures/key-home.ts";
import { lastOtherwise } from "../server/beginnings.ts";
import { databaseUrl } from "../server/database-url.ts";
import type { GatehouseProcess } from "../server/gatehouse-process.ts";
import { bootstrap, clientOf, type Installation, logIn, makeInstallation, visitorOf } from "../server/installation.ts";

const account = { loginName: "ada", password: "correct horse battery staple" };
const ada = async (server: GatehouseProcess) => (await logIn(visitorOf(server), account)).tokens;
/** The machine may be busy; for what no time is promised. */
const patience = { timeout: 20_000 };
const kidOf = ({ accessToken }: Tokens) => decodeProtectedHeader(accessToken).kid ?? "";

let database: TestDatabase;
let one: Installation;
let other: Installation;
let first: GatehouseProcess;
let second: GatehouseProcess;

beforeAll(async () => {
  database = await startTestDatabase();
  const given = {
    GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
    GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
  };
  one = await makeInstallation(given);
  other = await makeInstallation(given);
  first = await one.start();
  await bootstrap(one.dataDir, visitorOf(first));
  await shareKeys(one.dataDir, other.dataDir);
  second = await other.start();
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await database.drop();
});

async function jwks(server: GatehouseProcess): Promise<readonly string[]> {
  const { keys } = (await (await fetch(`${server.webAddress}/.well-known/jwks.json`)).json()) as {
    keys: readonly { kid: string }[];
  };
  return keys.map(({ kid }) => kid);
}

describe("two processes on one database", () => {
  it("KEY-07 share one signing key, and publish the next one together before either signs with it", async () => {
    const [here, there] = [await ada(first), await ada(second)];
    expect(kidOf(here)).toBe(kidOf(there));
    const client = clientOf(first, here.accessToken);
    const { signingKey, created } = await client.signingKeys.rotateSigningKey({});
    expect(created).toBe(true);
    expect(signingKey).toMatchObject({ state: State.PRE_ACTIVATION, algorithm: "ES256", number: 2, home: keyHome });
    const next = signingKey?.keyId ?? "";
    await expect.poll(() => jwks(second), patience).toContain(next);
    expect(await jwks(first)).toContain(next);
    expect(kidOf(await ada(second))).toBe(kidOf(here));
    const { signingKeys } = await clientOf(second, there.accessToken).signingKeys.listSigningKeys({});
    expect(signingKeys.map(({ state, number }) => [number, state])).toEqual([
      [2, State.PRE_ACTIVATION],
      [1, State.ACTIVE],
    ]);
    const again = await clientOf(second, there.accessToken).signingKeys.rotateSigningKey({ algorithm: "ES256" });
    expect([again.created, again.signingKey?.keyId]).toEqual([false, next]);
  });

  it("JWT-20 gives the keys to a stranger with a lifetime and a tag, and not again when they are the same", async () => {
    const address = `${second.webAddress}/.well-known/jwks.json`;
    const whole = await fetch(address);
    expect(whole.headers.get("cache-control")).toBe("public, max-age=300");
    const etag = whole.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[A-Za-z0-9_-]{43}"$/);
    expect((await fetch(`${first.webAddress}/.well-known/jwks.json`)).headers.get("etag")).toBe(etag);
    const unchanged = await fetch(address, { headers: { "if-none-match": etag } });
    expect([unchanged.status, await unchanged.text()]).toEqual([304, ""]);
    const { keys } = (await whole.json()) as { keys: readonly object[] };
    expect(keys).toHaveLength(2);
    for (const key of keys) expect(Object.keys(key).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    const { accessToken } = await ada(first);
    const issuer = "https://gatehouse.localhost";
    await jwtVerify(accessToken, createRemoteJWKSet(new URL(address)), {
      issuer,
      audience: "gatehouse",
      typ: "at+jwt",
    });
  });

  it("KEY-06 a stolen key's tokens are dead at the other within a second, sessions go on, and a new key signs", async () => {
    for (let round = 0; round < 3; round += 1) {
      const [here, there] = [await ada(first), await ada(second)];
      const stolen = kidOf(here);
      const elsewhere = clientOf(second, there.accessToken);
      await elsewhere.auth.whoAmI({});
      const { replacement } = await clientOf(first, here.accessToken).signingKeys.compromiseSigningKey({
        keyId: stolen,
      });
      const begun = performance.now();
      const alive = () =>
        elsewhere.auth.whoAmI({}).then(
          () => true,
          () => false,
        );
      expect(await lastOtherwise(alive, false, begun)).toBeLessThan(1_000);
      await expect(clientOf(first, here.accessToken).auth.whoAmI({})).rejects.toMatchObject({
        reason: "CREDENTIAL_INVALID",
      });

      // A server that is behind asks the database whether a token lives, and hears of the keys a little later.
      await expect.poll(() => jwks(second), patience).not.toContain(stolen);
      const { tokens } = await visitorOf(second).tokens.refresh({ refreshToken: here.refreshToken });
      const renewed = tokensOf(tokens!);
      expect(kidOf(renewed)).not.toBe(stolen);
      // There is none in the answer when its home was too slow to make it at once.
      expect(kidOf(renewed)).toBe(replacement?.keyId ?? kidOf(renewed));
      // Signed there a moment ago, believed here.
      await clientOf(first, renewed.accessToken).auth.whoAmI({});
      const { token } = { token: here.accessToken };
      const { active, reason } = await clientOf(second, renewed.accessToken).tokens.introspect({ token });
      expect([active, reason]).toEqual([false, "TOKEN_REVOKED"]);
      const said = () => second.output().stderr + second.output().stdout;
      await expect.poll(said, patience).toContain("a signing key was compromised");
    }
    const events = await clientOf(first, (await ada(first)).accessToken).audit.queryEvents({
      filter: { event: "key.signing_compromised" },
    });
    expect(events.events).toHaveLength(3);
  });

  it("SEC-05 no process prints a private key or its handle", async () => {
    const rows = await database.asOwner<{ handle: string }>("select handle from signing_key where handle is not null");
    const printed = [first, second].map((server) => server.output().stdout + server.output().stderr).join("");
    for (const { handle } of rows) expect(printed).not.toContain(handle.split(".").at(-1));
    expect(printed).not.toContain("PRIVATE");
  });
});

describe("kill -9 in the middle of rotations", () => {
  /** Replaces keys until the server is gone. */
  async function replaceForEver(server: GatehouseProcess, visitor: Gatehouse): Promise<void> {
    for (;;) {
      try {
        const { tokens } = await logIn(visitor, account);
        await clientOf(server, tokens.accessToken).signingKeys.rotateSigningKey({});
        await clientOf(server, tokens.accessToken).signingKeys.compromiseSigningKey({ keyId: kidOf(tokens) });
      } catch {
        if (
          await server.ended.then(
            () => true,
            () => true,
          )
        )
          return;
      }
    }
  }

  it("KEY-08 leaves one key that signs, and every acknowledged token good, 3 rounds", async () => {
    for (let round = 0; round < 3; round += 1) {
      const replacing = replaceForEver(first, visitorOf(first));
      await pause(200 + randomInt(400));
      await first.kill();
      await replacing;
      first = await one.start();
      const tokens = await ada(first);
      const { signingKeys } = await clientOf(first, tokens.accessToken).signingKeys.listSigningKeys({ pageSize: 500 });
      const inState = (wanted: State) => signingKeys.filter(({ state }) => state === wanted);
      expect(inState(State.ACTIVE)).toHaveLength(1);
      expect(inState(State.PRE_ACTIVATION).length).toBeLessThanOrEqual(1);
      expect(kidOf(tokens)).toBe(inState(State.ACTIVE)[0]?.keyId);
      await clientOf(second, tokens.accessToken).auth.whoAmI({});
      // No key without its record.
      const unrecorded = await database.asOwner(
        `select kid from signing_key k
         where not exists (select from audit_event e where position(convert_to(k.kid, 'UTF8') in e.entry) > 0)`,
      );
      expect(unrecorded).toEqual([]);
    }
  });
});
