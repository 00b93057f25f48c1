// ListSessions: pages of the devices of one person.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ListSessionsRequestSchema,
  type ListSessionsResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListSessions } from "../../../../src/auth/session/list-sessions.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { liveSession } from "../../../fakes/live-session.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { fakeSessions } from "../../../fakes/sessions.ts";

const idOf = (number: number) => `0198f000-0000-7000-8000-${String(number).padStart(12, "0")}`;
const live = [
  ...Array.from({ length: 60 }, (_, number) => liveSession(alice, idOf(number))),
  liveSession(bob, idOf(900)),
];
const list = createListSessions({ sessions: fakeSessions(live), pageTokens: fakePageTokens });

const ask = async (
  request: MessageInitShape<typeof ListSessionsRequestSchema>,
  principal = principalOf(),
): Promise<ListSessionsResponse> =>
  (await list(create(ListSessionsRequestSchema, request), fakeCall({ principal }))) as ListSessionsResponse;

describe("ListSessions", () => {
  it("F-10 shows the caller's own, and which one is this", async () => {
    const { sessions } = await ask({}, { ...principalOf(), sessionId: idOf(1) });
    expect(sessions[1]).toMatchObject({ sessionId: `ses_${idOf(1)}`, deviceName: "laptop", current: true });
    expect(sessions.filter(({ current }) => current)).toHaveLength(1);
  });

  it("shows another person's when the policy let the caller through", async () => {
    expect((await ask({ principalId: `prn_${bob}` })).sessions.map(({ sessionId }) => sessionId)).toEqual([
      `ses_${idOf(900)}`,
    ]);
  });

  it.each([
    [0, 50],
    [7, 7],
    [1_000_000_000, 60],
  ])("AZ-08 a page of %i holds %i", async (pageSize, expected) => {
    expect((await ask({ pageSize })).sessions).toHaveLength(expected);
  });

  it("AZ-08 pages show each session once, and the last has no successor", async () => {
    const first = await ask({ pageSize: 40 });
    const second = await ask({ pageSize: 40, pageToken: first.nextPageToken });
    const ids = [...first.sessions, ...second.sessions].map(({ sessionId }) => sessionId);
    expect(new Set(ids).size).toBe(60);
    expect(second.nextPageToken).toBe("");
  });

  it("AZ-08 a page token is good for its caller and its person alone", async () => {
    const { nextPageToken: pageToken } = await ask({ pageSize: 1 });
    const refused = { reason: "PAGE_TOKEN_INVALID" };
    await expect(ask({ pageToken, principalId: `prn_${bob}` })).rejects.toMatchObject(refused);
    await expect(ask({ pageToken, principalId: `prn_${alice}` }, principalOf({ id: bob }))).rejects.toMatchObject(
      refused,
    );
    await expect(ask({ pageToken: "forged" })).rejects.toMatchObject(refused);
  });
});
