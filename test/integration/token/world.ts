// The Token slice on a real database, with its signing key in the home of the run: replicas that share it, principals in it, and what a caller does with tokens.

import type { MessageShape } from "@bufbuild/protobuf";
import { create, fromBinary } from "@bufbuild/protobuf";
import {
  IntrospectRequestSchema,
  IntrospectResponseSchema,
  RefreshRequestSchema,
  RevokeRequestSchema,
  type TokenService,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { AuditDraft, AuditWriter } from "../../../src/kernel/audit.ts";
import type { FeedEvent } from "../../../src/kernel/database.ts";
import { EncodedAnswer } from "../../../src/kernel/handler.ts";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import type { Principal, Standing } from "../../../src/kernel/principal.ts";
import type { IssuedTokens, NewSession } from "../../../src/kernel/sessions.ts";
import type { UnitOfWork } from "../../../src/kernel/unit-of-work.ts";
import { createUnitOfWork } from "../../../src/postgres/unit-of-work.ts";
import type { TokenSettings } from "../../../src/token/settings.ts";
import { allow, principalOf } from "../../fakes/principal.ts";
import { createHomeSigner, type TestSigner } from "../../fakes/token-signer.ts";
import {
  createTestMacs,
  createTokenWorld,
  standingOf,
  type TokenWorld,
  type TokenWorldOptions,
} from "../../fakes/token-world.ts";
import type { TestDatabase } from "../../fixtures/database.ts";
import { signingHomesOfRun } from "../../fixtures/signing-homes.ts";

export interface Installation {
  /** A process of it: own memory, same keys and database. `deaf` = what others commit does not reach it. */
  replica(options?: { readonly deaf?: boolean } & Pick<TokenWorldOptions, "clients" | "machines">): TokenWorld;
  /** Records as they were committed. */
  readonly records: readonly AuditDraft[];
  readonly announced: readonly FeedEvent[];
  readonly macs: ReturnType<typeof createTestMacs>;
  readonly signer: TestSigner;
  readonly unitOfWork: UnitOfWork;
  failNextRecord(error: Error): void;
}

export async function createInstallation(
  database: TestDatabase,
  settings: Partial<TokenSettings> = {},
): Promise<Installation> {
  const [macs, signer] = [createTestMacs(), await createHomeSigner(await signingHomesOfRun()())];
  const records: AuditDraft[] = [];
  const announced: FeedEvent[] = [];
  const replicas: TokenWorld[] = [];
  let failure: Error | undefined;
  const audit: AuditWriter = {
    prepare: (draft) => ({ draft }),
    async insert(tx, prepared) {
      if (failure !== undefined) {
        const error = failure;
        failure = undefined;
        throw error;
      }
      await tx.rows({ name: "test.nothing", text: "select 1 as one" }, []);
      records.push(...prepared.map(({ draft }) => structuredClone(draft)));
    },
  };
  const onCommitted = (events: readonly FeedEvent[]) => {
    announced.push(...events);
    for (const replica of replicas) replica.feed(...events);
  };
  const unitOfWork = createUnitOfWork({ pool: database.pool, audit, onCommitted });
  return {
    records,
    announced,
    unitOfWork,
    macs,
    signer,
    failNextRecord: (error) => {
      failure = error;
    },
    replica({ deaf = false, ...more } = {}) {
      const { reader, writer } = database;
      const world = createTokenWorld({ settings, macs, signer, reader, writer, unitOfWork, ...more });
      if (!deaf) replicas.push(world);
      return world;
    },
  };
}

/** A person in the database and in the memory of the given replicas. */
export async function createPerson(database: TestDatabase, ...replicas: readonly TokenWorld[]): Promise<Standing> {
  const standing = standingOf(uuidv7(new Date("2026-11-21T11:00:00Z")), { roles: ["viewer"] });
  await database.asOwner("insert into principal values ($1, 'person', 'active', 1, $2)", [
    standing.principalId,
    "2026-11-21T11:00:00Z",
  ]);
  for (const replica of replicas) replica.standings.set(standing);
  return standing;
}

export async function logIn(
  world: TokenWorld,
  standing: Standing,
  more: Partial<NewSession> = {},
): Promise<IssuedTokens> {
  const prepared = await world.slice.sessions.prepare(
    {
      standing,
      clientId: "gatehouse",
      audience: undefined,
      scopes: [],
      authenticationMethods: ["pwd"],
      authenticationContext: "aal1",
      deviceName: "laptop",
      peer: { address: "192.0.2.7", userAgent: "test" },
      possession: { proofs: [], httpMethod: "POST", path: "/test", certificate: undefined },
      now: world.time.now,
      ...more,
    },
    (id, device) => Buffer.concat([Buffer.from(`${standing.principalId}|session.device|${id}|`), device]),
  );
  await world.call().commit(async (tx) => {
    await prepared.store(tx);
    return {};
  });
  return prepared.tokens;
}

type Answer<K extends keyof typeof TokenService.method> = MessageShape<(typeof TokenService.method)[K]["output"]>;

export async function refresh(world: TokenWorld, refreshToken: string, scopes: readonly string[] = []) {
  const request = create(RefreshRequestSchema, { refreshToken, scopes: [...scopes] });
  const { tokens } = (await world.handler("refresh")(request, world.call())) as Answer<"refresh">;
  if (tokens === undefined) throw new TypeError("no tokens");
  return tokens;
}

/** The reason of the refusal, undefined when it was granted. */
export async function refreshRefusal(world: TokenWorld, token: string, scopes: readonly string[] = []) {
  try {
    await refresh(world, token, scopes);
    return undefined;
  } catch (error) {
    return error as { reason: string; auditReason: string; message: string };
  }
}

const introspector = principalOf({
  id: "01890000-0000-7000-8000-0000000000ff",
  grants: [allow("token.introspect", "tokens"), allow("token.introspect.reason", "tokens")],
});

export async function introspect(world: TokenWorld, token: string, consistency = 0): Promise<Answer<"introspect">> {
  const request = create(IntrospectRequestSchema, { token, consistency });
  const answer = await world.handler("introspect")(request, world.call({ principal: introspector }));
  if (!(answer instanceof EncodedAnswer)) throw new TypeError("not serialised");
  return fromBinary(IntrospectResponseSchema, answer.bytes);
}

export async function revoke(world: TokenWorld, token: string, principal: Principal): Promise<Answer<"revoke">> {
  const request = create(RevokeRequestSchema, { token });
  return (await world.handler("revoke")(request, world.call({ principal }))) as Answer<"revoke">;
}
