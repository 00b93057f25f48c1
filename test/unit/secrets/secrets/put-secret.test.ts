import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  PutSecretRequestSchema,
  type PutSecretResponse,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { ValueSealer } from "../../../../src/kernel/sealing.ts";
import { createPutSecret } from "../../../../src/secrets/secrets/put-secret.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeValueSealer } from "../../../fakes/value-sealer.ts";

interface World {
  /** Versions that the path has, as the database sees it. */
  current: number;
  /** Puts of other processes that come first, one per transaction. */
  disturbances?: number;
  values?: ValueSealer;
  signal?: AbortSignal;
}

function putting(world: World) {
  const owned: string[] = [];
  const sealedFor: (number | undefined)[] = [];
  const take = (next: number) => {
    if ((world.disturbances ?? 0) > 0) {
      world.disturbances = (world.disturbances ?? 0) - 1;
      world.current += 1;
    }
    if (next !== world.current + 1) return [];
    world.current = next;
    return [{ version: next }];
  };
  const database = scriptedDatabase({
    "secrets.current_version": () => (world.current === 0 ? [] : [{ current_version: world.current }]),
    "secrets.create": () => take(1),
    "secrets.add_version": (parameters) => take(Number(parameters[1])),
  });
  const values: ValueSealer = world.values ?? {
    ...fakeValueSealer,
    seal: (binding, plaintext) => {
      sealedFor.push(binding.version);
      return fakeValueSealer.seal(binding, plaintext);
    },
  };
  const handler = createPutSecret({
    reader: database,
    values,
    ownership: { own: async (_tx, { principalId }, resource) => void owned.push(`${principalId} ${resource}`) },
    maxValueBytes: 8,
  });
  const put = async (given: MessageInitShape<typeof PutSecretRequestSchema> = {}) => {
    const call = fakeCall({
      principal: principalOf(),
      unitOfWork: database.unitOfWork,
      ...(world.signal && { signal: world.signal }),
    });
    const request = create(PutSecretRequestSchema, { path: "team/db", value: Uint8Array.of(1), ...given });
    const answer = (await handler(request, call)) as PutSecretResponse;
    return { answer, call };
  };
  return { put, database, owned, sealedFor };
}

describe("PutSecret", () => {
  it("with check-and-set is one statement, sealed before the transaction for the number it will have", async () => {
    const { put, database, sealedFor } = putting({ current: 3 });
    const { answer, call } = await put({ expectedVersion: 3 });
    expect(database.asked).toEqual(["secrets.add_version"]);
    expect([answer.version?.version, sealedFor]).toEqual([4, [4]]);
    expect(call.audit.resources).toEqual([{ type: "secret", uid: "team/db", version: 4 }]);
    // Every further part of a record is sealed, and costs as much as the value itself.
    expect(call.audit.details).toEqual({});
  });

  it("AZ-02 makes the creator owner of what it creates, and of nothing else", async () => {
    const creating = putting({ current: 0 });
    await creating.put({ expectedVersion: 0 });
    expect(creating.owned).toEqual([`${alice} secrets/team/db`]);
    const adding = putting({ current: 1 });
    await adding.put();
    expect(adding.owned).toEqual([]);
  });

  it("without check seals again for the next number when another came first", async () => {
    const { put, sealedFor, database } = putting({ current: 3, disturbances: 2 });
    expect((await put()).answer.version?.version).toBe(6);
    expect(sealedFor).toEqual([4, 5, 6]);
    expect(database.commits()).toBe(1);
  });

  it("without check takes turns in this process, so that nobody here seals in vain", async () => {
    const { put, sealedFor } = putting({ current: 0 });
    await Promise.all(Array.from({ length: 20 }, () => put()));
    expect(sealedFor).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it("gives up in the end, and says that it was in the way of others", async () => {
    const { put, database } = putting({ current: 3, disturbances: 1_000 });
    await expect(put()).rejects.toMatchObject({ reason: "SECRET_VERSION_CONFLICT", code: 10 });
    expect(database.commits()).toBe(0);
  });

  it("SEC-01 with a check never tries again, and names what is current", async () => {
    const { put, sealedFor } = putting({ current: 3, disturbances: 1 });
    await expect(put({ expectedVersion: 3 })).rejects.toMatchObject({
      reason: "SECRET_VERSION_CONFLICT",
      metadata: { current_version: "4" },
    });
    expect(sealedFor).toEqual([4]);
  });

  it("begins no attempt for a caller that went away", async () => {
    const gone = new GatehouseError("CANCELLED");
    const { put, database } = putting({ current: 1, signal: AbortSignal.abort(gone) });
    await expect(put()).rejects.toBe(gone);
    expect(database.commits()).toBe(0);
  });

  it("SEC-07 stores nothing when the key home does not answer", async () => {
    const values = { ...fakeValueSealer, seal: () => Promise.reject(new GatehouseError("KEYS_UNAVAILABLE")) };
    const { put, database } = putting({ current: 1, values });
    await expect(put({ expectedVersion: 1 })).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    expect(database.asked).toEqual([]);
  });

  it("KEY-03 takes a value of the limit and not one byte more, before it asks anybody", async () => {
    const { put, database } = putting({ current: 0 });
    await expect(put({ value: new Uint8Array(9) })).rejects.toMatchObject({
      reason: "SECRET_TOO_LARGE",
      metadata: { max_bytes: "8" },
    });
    expect(database.asked).toEqual([]);
    await put({ value: new Uint8Array(8) });
  });

  it("SEC-02 keeps an expiry to the millisecond, rounded so that nothing is readable longer than asked", async () => {
    const { put } = putting({ current: 0 });
    const { answer } = await put({ expireTime: { seconds: 4_000_000_000n, nanos: 123_999_999 } });
    expect(answer.version?.expireTime).toMatchObject({ seconds: 4_000_000_000n, nanos: 123_000_000 });
  });

  it("AUD-09 leaves nothing of the value in the record", async () => {
    const { put } = putting({ current: 0 });
    const { call } = await put({ value: new TextEncoder().encode("canary") });
    expect(JSON.stringify(call.audit)).not.toMatch(/canary|99,97,110/);
  });
});
