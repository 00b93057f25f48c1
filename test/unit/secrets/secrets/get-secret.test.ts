import { create } from "@bufbuild/protobuf";
import {
  GetSecretRequestSchema,
  type GetSecretResponse,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import type { Row } from "../../../../src/kernel/database.ts";
import { createGetSecret } from "../../../../src/secrets/secrets/get-secret.ts";
import { callTime, fakeCall } from "../../../fakes/call.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeValueSealer } from "../../../fakes/value-sealer.ts";

const stored = (path: string, version: number, value: string, given: Row = {}): Row => ({
  known: true,
  version,
  created_at: callTime,
  created_by: alice,
  expires_at: null,
  deleted_at: null,
  destroyed_at: null,
  sealed: Buffer.from(`secret.value|${path}|${version}|${value}`),
  wrapped_key: Buffer.from("key"),
  kek_id: "fake",
  kek_version: 1,
  ...given,
});

/** `rows` by `path:version` as asked. */
function getting(rows: Readonly<Record<string, Row>>) {
  const groups: number[] = [];
  const reader = scriptedDatabase({
    "secrets.read_versions": ([paths, versions]) => {
      const asked = (paths as string[]).map((path, index) => `${path}:${(versions as number[])[index]}`);
      groups.push(asked.length);
      // Postgres promises no order.
      return asked.map((key, index) => ({ known: false, ...rows[key], asked: index + 1 })).reverse();
    },
  });
  const handler = createGetSecret({ reader, values: fakeValueSealer });
  const get = async (path: string, version = 0) => {
    const call = fakeCall({ principal: principalOf() });
    const answer = handler(create(GetSecretRequestSchema, { path, version }), call) as Promise<GetSecretResponse>;
    return { call, answer };
  };
  return { get, groups };
}

const text = async (answer: Promise<GetSecretResponse>) => Buffer.from((await answer).value).toString();

describe("GetSecret", () => {
  it("reads together what arrives together, and gives each caller its own", async () => {
    const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
    const { get, groups } = getting(
      Object.fromEntries(names.map((name) => [`${name}:0`, stored(name, 3, `of ${name}`)])),
    );
    const answers = await Promise.all(names.map(async (name) => text((await get(name)).answer)));
    expect(answers).toEqual(names.map((name) => `of ${name}`));
    expect(groups).toEqual([32, 8]);
  });

  it("one that fails takes no other with it", async () => {
    const { get } = getting({ "a:0": stored("b", 1, "moved"), "b:0": stored("b", 1, "fine") });
    const [moved, fine, none] = await Promise.all([get("a"), get("b"), get("c")]);
    await expect(moved?.answer).rejects.toMatchObject({ reason: "DATA_CORRUPT" });
    await expect(none?.answer).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    expect(await text(fine?.answer as Promise<GetSecretResponse>)).toBe("fine");
  });

  it("SEC-03 names path and version in the record before anything can fail", async () => {
    const { get } = getting({ "a:0": stored("a", 4, "v", { expires_at: callTime }) });
    const expired = await get("a");
    await expect(expired.answer).rejects.toMatchObject({ reason: "SECRET_EXPIRED" });
    expect(expired.call.audit.resources).toEqual([{ type: "secret", uid: "a", version: 4 }]);
    const missing = await get("a", 9);
    await expect(missing.answer).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    expect(missing.call.audit.resources).toEqual([{ type: "secret", uid: "a", version: 9 }]);
  });

  it.each([
    [
      "SECRET_VERSION_DESTROYED",
      {
        destroyed_at: callTime,
        deleted_at: callTime,
        expires_at: callTime,
        sealed: null,
        wrapped_key: null,
        kek_id: null,
        kek_version: null,
      },
    ],
    ["SECRET_VERSION_DELETED", { deleted_at: callTime, expires_at: callTime }],
    ["SECRET_EXPIRED", { expires_at: callTime }],
    ["DATA_CORRUPT", { sealed: null }],
    ["DATA_CORRUPT", { wrapped_key: null }],
  ])("SEC-01 SEC-02 answers %s, the first that applies", async (reason, given) => {
    const { get } = getting({ "a:0": stored("a", 1, "v", given) });
    await expect((await get("a")).answer).rejects.toMatchObject({ reason });
  });

  it("SEC-08 asks again for every read: no value is kept", async () => {
    const { get, groups } = getting({ "a:0": stored("a", 1, "v") });
    for (let i = 0; i < 3; i++) await text((await get("a")).answer);
    expect(groups).toEqual([1, 1, 1]);
  });
});
