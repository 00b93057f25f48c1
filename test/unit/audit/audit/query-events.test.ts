import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  Outcome,
  QueryEventsRequestSchema,
  type QueryEventsResponse,
} from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { describe, expect, it } from "vitest";
import { createQueryEvents } from "../../../../src/audit/audit/query-events.ts";
import { createEncoder } from "../../../../src/audit/record/encoder.ts";
import { createPageTokens } from "../../../../src/keys/page-token.ts";
import { draftOf } from "../../../fakes/audit-draft.ts";
import { createFakeAuditKeys } from "../../../fakes/audit-keys.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeSealer } from "../../../fakes/sealing.ts";

const keys = createFakeAuditKeys(alice);

async function query(request: MessageInitShape<typeof QueryEventsRequestSchema>, stored = 0) {
  const encoder = createEncoder({ installationId: "i", keys });
  const rows = await Promise.all(
    Array.from({ length: stored }, async () => encoder.encode(await encoder.prepare(draftOf()))),
  );
  const asked: { text: string; parameters: readonly unknown[] }[] = [];
  const database = scriptedDatabase();
  const reader = {
    rows: async (statement: { text: string; name: string }, parameters: readonly unknown[]) => {
      asked.push({ text: statement.text, parameters });
      return rows
        .map(({ id, entry, subject, personal, details }) => ({ id, entry, subject, personal, details }))
        .slice(0, Number(parameters.at(-1))) as never;
    },
  };
  const call = fakeCall({ principal: principalOf(), unitOfWork: database.unitOfWork });
  const handler = createQueryEvents({ reader, keys, pageTokens: createPageTokens(fakeSealer) });
  const answer = (await handler(create(QueryEventsRequestSchema, request), call)) as QueryEventsResponse;
  return { answer, call, asked };
}

describe("QueryEvents", () => {
  it("asks Postgres for what is set and nothing else, with every value as a parameter", async () => {
    const none = await query({});
    expect(none.asked[0]?.text).not.toMatch(/where/);
    expect(none.asked[0]?.parameters).toEqual([51]);
    const two = await query({ filter: { event: "secret.read", outcome: Outcome.FAILURE }, pageSize: 10 });
    expect(two.asked[0]?.text).toMatch(/where event = \$1::text and outcome = \$2::text\s+order by id desc limit \$3/);
    expect(two.asked[0]?.parameters).toEqual(["secret.read", "FAILURE", 11]);
  });

  it("DAT-09 looks addresses and names up by blind index, never by themselves", async () => {
    const { asked } = await query({ filter: { address: "203.0.113.7", loginName: "Anna" } });
    expect(JSON.stringify(asked[0]?.parameters)).not.toMatch(/203\.0|anna/i);
  });

  it("AZ-08 gives a token when there is more and none on the last page", async () => {
    expect((await query({ pageSize: 3 }, 3)).answer).toMatchObject({ nextPageToken: "", events: { length: 3 } });
    const more = await query({ pageSize: 3 }, 4);
    expect(more.answer.events).toHaveLength(3);
    expect(more.answer.nextPageToken).not.toBe("");
  });

  it("AUD-12 leaves in its own record what was asked for and how much was shown", async () => {
    const { call } = await query({ filter: { method: "m", address: "203.0.113.7" }, pageSize: 2 }, 5);
    expect(call.audit.details).toEqual({ filter: { method: "m", address: "[personal]" }, events: 2 });
  });
});
