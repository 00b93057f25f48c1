import { create } from "@bufbuild/protobuf";
import {
  ListSecretVersionsRequestSchema,
  type ListSecretVersionsResponse,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import type { Row } from "../../../../src/kernel/database.ts";
import { createPageTokens } from "../../../../src/keys/page-token.ts";
import { createListSecretVersions } from "../../../../src/secrets/secrets/list-secret-versions.ts";
import { callTime, fakeCall } from "../../../fakes/call.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeSealer } from "../../../fakes/sealing.ts";

const facts = (version: number | null): Row => ({
  version,
  created_at: callTime,
  created_by: alice,
  expires_at: null,
  deleted_at: null,
  destroyed_at: null,
});

async function list(newest: number, pageToken = "", pageSize = 2) {
  const reader = scriptedDatabase({
    "secrets.list_versions": ([, before, limit]) => {
      const first = Math.min(newest, Number(before ?? Number.POSITIVE_INFINITY) - 1);
      const rows = Array.from({ length: Math.min(first, Number(limit)) }, (_, index) => facts(first - index));
      return newest === 0 ? [] : rows.length === 0 ? [facts(null)] : rows;
    },
  });
  const handler = createListSecretVersions({ reader, pageTokens: createPageTokens(fakeSealer) });
  const request = create(ListSecretVersionsRequestSchema, { path: "team/db", pageSize, pageToken });
  const answer = (await handler(request, fakeCall({ principal: principalOf() }))) as ListSecretVersionsResponse;
  return { versions: answer.versions.map(({ version }) => version), next: answer.nextPageToken };
}

describe("ListSecretVersions", () => {
  it("AZ-08 goes on where the page before ended, and ends", async () => {
    const first = await list(3);
    expect(first.versions).toEqual([3, 2]);
    const second = await list(3, first.next);
    expect(second).toEqual({ versions: [1], next: "" });
  });

  it("tells a path without further versions from no path at all", async () => {
    const { next } = await list(3);
    expect(await list(1, next)).toEqual({ versions: [1], next: "" });
    await expect(list(0)).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });
});
