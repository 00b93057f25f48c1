// WatchRevocations: the envelope, what is told and what is not, and every way in which a stream must end.
import { create, type MessageShape } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type TokenService,
  WatchRevocationsRequestSchema,
  type WatchRevocationsResponse,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { describe, expect, it } from "vitest";
import type { FeedEvent } from "../../../../src/kernel/database.ts";
import { createWatchRevocations } from "../../../../src/token/token/watch-revocations.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { createFakeFeed } from "../../../fakes/feed-replay.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { principalOf } from "../../../fakes/principal.ts";
import { alice, bob, session, tokenId } from "../claims.ts";

const expiresAt = new Date("2026-11-21T13:00:00Z");
const event = (kind: FeedEvent["kind"], key: string): FeedEvent => ({ kind, key, expiresAt });
const tokenEvents = (count: number) => Array.from({ length: count }, (_, n) => event("token", String(n)));

function createWorld() {
  const feed = createFakeFeed();
  const [caller, drain] = [new AbortController(), new AbortController()];
  const handler = createWatchRevocations({ feed, pageTokens: fakePageTokens, draining: drain.signal });
  const open = (resumeToken = "", id = alice) => {
    const call = fakeCall({ principal: principalOf({ id }), signal: caller.signal, now: feed.at });
    const request = create(WatchRevocationsRequestSchema, { resumeToken });
    const stream = handler(request as MessageShape<typeof TokenService.method.watchRevocations.input>, call);
    return stream[Symbol.asyncIterator]() as AsyncIterator<WatchRevocationsResponse, undefined>;
  };
  return { feed, open, caller, drain };
}

type Stream = ReturnType<ReturnType<typeof createWorld>["open"]>;

async function next(stream: Stream): Promise<WatchRevocationsResponse> {
  const { value } = await stream.next();
  if (value === undefined) throw new TypeError("the stream is over");
  return value;
}

async function take(stream: Stream, count: number) {
  const taken: WatchRevocationsResponse[] = [];
  while (taken.length < count) taken.push(await next(stream));
  return taken;
}

const casesOf = (messages: readonly WatchRevocationsResponse[]) => messages.map(({ event: { case: name } }) => name);
const deadOf = ({ event: { case: name, value } }: WatchRevocationsResponse) =>
  name === "revocation" ? value.dead.value : name;

describe("a watch from a snapshot", () => {
  it("TOK-08 tells all that is dead, then that this was all, then what dies", async () => {
    const { feed, open } = createWorld();
    feed.tell(
      event("token", tokenId),
      event("session", session),
      event("subject", `${bob}:7`),
      event("client", "shop:3"),
      event("compromised_key", "kid"),
      event("credential", "key-1"),
      event("subject_client", `${bob}:shop`),
    );
    const stream = open();
    const messages = await take(stream, 9);
    expect(casesOf(messages)).toEqual(["snapshotBegin", ...Array(7).fill("revocation"), "snapshotEnd"]);
    expect(messages.slice(1, 8).map(deadOf)).toMatchObject([
      tokenId,
      `ses_${session}`,
      { principalId: `prn_${bob}`, generation: 7 },
      { clientId: "shop", generation: 3 },
      "kid",
      "key-1",
      { principalId: `prn_${bob}`, clientId: "shop", since: BigInt(expiresAt.getTime()) },
    ]);
    const [, first] = messages;
    if (first?.event.case !== "revocation") throw new TypeError("no revocation");
    expect(first.event.value.expireTime && timestampDate(first.event.value.expireTime)).toEqual(expiresAt);
    // Whoever breaks off within a snapshot begins it anew.
    expect(messages.slice(0, 8).map(({ resumeToken }) => resumeToken)).toEqual(Array(8).fill(""));
    expect(messages[8]?.resumeToken).not.toBe("");
    const pending = next(stream);
    feed.tell(event("token", "new"));
    expect(deadOf(await pending)).toBe("new");
  });

  it("TOK-25 tells of an end that lies ahead, and when it is", async () => {
    const { feed, open } = createWorld();
    const end = new Date("2026-11-21T12:00:05.250Z");
    feed.tell(event("credential_end", `key-1:${end.getTime()}`), event("credential", "key-2"));
    const [, ahead, now] = await take(open(), 3);
    const effectOf = ({ event: { value, case: name } }: WatchRevocationsResponse) =>
      name === "revocation" ? [value.dead.value, value.effectTime && timestampDate(value.effectTime)] : name;
    expect([ahead, now].map((message) => message && effectOf(message))).toEqual([
      ["key-1", end],
      ["key-2", undefined],
    ]);
  });

  it("keeps to itself what only replicas need", async () => {
    const { feed, open } = createWorld();
    const internal = ["principal", "role", "workload", "signing_key"] as const;
    feed.tell(...internal.map((kind) => event(kind, "x")), event("token", "a"));
    expect(casesOf(await take(open(), 3))).toEqual(["snapshotBegin", "revocation", "snapshotEnd"]);
  });

  it("comes in pages without a gap or a double", async () => {
    const { feed, open } = createWorld();
    feed.pageSize = 3;
    feed.tell(...tokenEvents(10));
    const messages = await take(open(), 12);
    expect(messages.slice(1, 11).map(deadOf)).toEqual(tokenEvents(10).map(({ key }) => key));
    expect(messages[11]?.event.case).toBe("snapshotEnd");
  });
});

describe("a heartbeat", () => {
  it("comes after looks that bring nothing, at least twice a second, and says up to when all is told", async () => {
    const { feed, open } = createWorld();
    const stream = open();
    await take(stream, 2);
    const pending = next(stream);
    feed.look(250);
    await Promise.resolve();
    while (feed.waiting === 0) await Promise.resolve();
    feed.look(250);
    const beat = await pending;
    expect(beat.event.case).toBe("heartbeat");
    if (beat.event.case !== "heartbeat") return;
    expect(beat.event.value.completeTime && timestampDate(beat.event.value.completeTime)).toEqual(feed.at);
    expect(beat.resumeToken).not.toBe("");
  });

  it("never comes while the feed cannot be read", async () => {
    const { feed, open, caller } = createWorld();
    const stream = open();
    await take(stream, 2);
    const pending = stream.next();
    while (feed.waiting === 0) await Promise.resolve();
    caller.abort();
    expect(await pending).toEqual({ done: true, value: undefined });
  });

  it("says no more than was sent, however slowly the caller takes it", async () => {
    const { feed, open } = createWorld();
    const stream = open();
    await take(stream, 2);
    const pending = next(stream);
    while (feed.waiting === 0) await Promise.resolve();
    feed.tell(event("token", "a"), event("token", "b"));
    expect(deadOf(await pending)).toBe("a");
    // While the caller is at the first one, the feed is looked at again, and something newer is there.
    feed.tell(event("token", "c"));
    feed.look(1_000);
    expect((await take(stream, 2)).map(deadOf)).toEqual(["b", "c"]);
  });
});

describe("a watch that goes on", () => {
  it("misses nothing and repeats nothing of what came with its token", async () => {
    const { feed, open } = createWorld();
    feed.tell(event("token", "a"));
    const [, , end] = await take(open(), 3);
    feed.tell(event("token", "b"), event("token", "c"));
    const [b, c] = await take(open(end?.resumeToken), 2);
    expect([b, c].map((message) => message && deadOf(message))).toEqual(["b", "c"]);
    // A page that was cut in its middle is told again from its beginning.
    expect([b?.resumeToken, c?.resumeToken].map((token) => token === "")).toEqual([true, false]);
    feed.tell(event("token", "d"));
    expect(deadOf(await next(open(c?.resumeToken)))).toBe("d");
  });

  it("looks itself before it says that a token of another replica is from the future", async () => {
    const { feed, open } = createWorld();
    feed.tell(...tokenEvents(3));
    const [, , , , end] = await take(open(), 5);
    feed.head = 1;
    feed.hidden = 2;
    const stream = open(end?.resumeToken);
    const pending = next(stream);
    while (feed.waiting === 0) await Promise.resolve();
    feed.tell(event("token", "later"));
    expect(deadOf(await pending)).toBe("later");
  });

  it("begins anew when the database was set back: before, and while it runs", async () => {
    const { feed, open } = createWorld();
    feed.tell(...tokenEvents(3));
    const running = open();
    const [, , , , end] = await take(running, 5);
    feed.head = 2;
    await expect(next(open(end?.resumeToken))).rejects.toMatchObject({ reason: "RESUME_TOKEN_TOO_OLD" });
    const pending = next(running);
    while (feed.waiting === 0) await Promise.resolve();
    feed.era += 1;
    feed.look();
    await expect(pending).rejects.toMatchObject({ reason: "RESUME_TOKEN_TOO_OLD" });
  });

  it("AZ-06 takes no token of another caller, and none that was made up", async () => {
    const { feed, open } = createWorld();
    feed.tell(...tokenEvents(1));
    const [, , end] = await take(open(), 3);
    for (const stream of [open(end?.resumeToken, bob), open("junk")])
      await expect(next(stream)).rejects.toMatchObject({ reason: "RESUME_TOKEN_TOO_OLD", code: 11 });
  });
});

describe("the end of a watch", () => {
  it("is told as DRAINING when the server goes away", async () => {
    const { feed, open, drain } = createWorld();
    const stream = open();
    await take(stream, 2);
    const pending = next(stream);
    while (feed.waiting === 0) await Promise.resolve();
    drain.abort();
    await expect(pending).rejects.toMatchObject({ reason: "DRAINING" });
  });
});
