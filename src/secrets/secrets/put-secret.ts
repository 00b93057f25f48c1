// PutSecret: a new version, numbered without gaps. It is sealed before the transaction, for the number it will have, so
// that no key home is waited for while a row is locked; whoever finds the number taken seals again for the next.
import { create } from "@bufbuild/protobuf";
import {
  type PutSecretRequest,
  type PutSecretResponse,
  PutSecretResponseSchema,
  type SecretsService,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { uuidv7 } from "../../kernel/ids.ts";
import type { Ownership } from "../../kernel/ports.ts";
import type { ValueSealer } from "../../kernel/sealing.ts";
import { resourceOf } from "../domain/path-spans.ts";
import { lastVersion } from "../domain/version-state.ts";
import { insertVersion, type NewVersion, selectCurrentVersion } from "./store.ts";
import { createTurns } from "./turns.ts";
import { bindingOf, versionMessage } from "./version-message.ts";

export interface PutSecretDeps {
  readonly reader: Reader;
  readonly values: ValueSealer;
  readonly ownership: Ownership;
  readonly maxValueBytes: number;
}

type Timestamp = NonNullable<PutSecretRequest["expireTime"]>;

/** Puts to one path take turns in this process, so only other processes can be in the way, and each only once in a while. */
const mostAttempts = 10;
const latestSecond = 253_402_300_799n;

function expiryOf(time: Timestamp | undefined, now: Date): Date | null {
  if (time === undefined) return null;
  const inRange = time.seconds >= 0n && time.seconds <= latestSecond && time.nanos >= 0 && time.nanos < 1e9;
  const expiry = new Date(inRange ? Number(time.seconds) * 1_000 + Math.floor(time.nanos / 1e6) : 0);
  if (expiry.getTime() <= now.getTime()) throw invalidField("expire_time", "must lie ahead, before the year 10000");
  return expiry;
}

function conflict(current: number): GatehouseError {
  return new GatehouseError("SECRET_VERSION_CONFLICT", { metadata: { current_version: String(current) } });
}

function isConflict(error: unknown): boolean {
  return error instanceof GatehouseError && error.reason === "SECRET_VERSION_CONFLICT";
}

async function store(deps: PutSecretDeps, call: Call, added: NewVersion): Promise<PutSecretResponse> {
  const { path, version, createdAt, createdBy, expiresAt } = added;
  const creator = callerOf(call).standing;
  return call.commit(async (tx) => {
    const stored = await insertVersion(tx, uuidv7(call.now), added);
    if (!stored) throw conflict(await selectCurrentVersion(tx, path));
    if (version === 1) await deps.ownership.own(tx, creator, resourceOf(path), call.now);
    call.audit.resources = [{ type: "secret", uid: path, version }];
    const facts = { version, createdAt, createdBy, expiresAt, deletedAt: null, destroyedAt: null };
    return create(PutSecretResponseSchema, { version: versionMessage(facts) });
  });
}

export function createPutSecret(deps: PutSecretDeps): UnaryHandler<typeof SecretsService.method.putSecret> {
  const turns = createTurns();

  /** Stores the version after `current`, which must still be the newest when it commits. */
  async function putAfter(current: number, request: PutSecretRequest, call: Call, expiresAt: Date | null) {
    call.signal.throwIfAborted();
    if (current === lastVersion) throw new GatehouseError("SECRET_VERSIONS_EXHAUSTED");
    const { path } = request;
    const version = current + 1;
    const value = await deps.values.seal(bindingOf(path, version), request.value);
    return store(deps, call, { path, version, value, createdAt: call.now, createdBy: callerOf(call).id, expiresAt });
  }

  async function putExpected(expected: number, request: PutSecretRequest, call: Call, expiresAt: Date | null) {
    if (expected === lastVersion) {
      const current = await selectCurrentVersion(deps.reader, request.path);
      if (current !== expected) throw conflict(current);
    }
    return putAfter(expected, request, call, expiresAt);
  }

  async function putNewest(request: PutSecretRequest, call: Call, expiresAt: Date | null) {
    for (let attempt = 1; ; attempt += 1) {
      const current = await selectCurrentVersion(deps.reader, request.path);
      try {
        return await putAfter(current, request, call, expiresAt);
      } catch (error) {
        if (!isConflict(error) || attempt === mostAttempts) throw error;
      }
    }
  }

  return async (request, call) => {
    const { path, value, expectedVersion } = request;
    call.audit.resources = [{ type: "secret", uid: path }];
    if (value.byteLength > deps.maxValueBytes) {
      throw new GatehouseError("SECRET_TOO_LARGE", { metadata: { max_bytes: String(deps.maxValueBytes) } });
    }
    const expiresAt = expiryOf(request.expireTime, call.now);
    if (expectedVersion !== undefined) return putExpected(expectedVersion, request, call, expiresAt);
    return turns.take(path, () => putNewest(request, call, expiresAt));
  };
}
