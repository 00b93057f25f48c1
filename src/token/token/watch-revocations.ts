// TokenService.WatchRevocations: what is dead, then what dies, as the feed of this process hears of it. A heartbeat goes out only
// after a look at the feed that was answered, so a server that knows nothing new falls silent, and its guards stop trusting it.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  HeartbeatSchema,
  SnapshotBeginSchema,
  SnapshotEndSchema,
} from "@gatehouse/proto/gatehouse/stream/v1/stream_pb.js";
import {
  TokenService,
  type WatchRevocationsResponse,
  WatchRevocationsResponseSchema,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import { type Call, callerOf, type ServerStreamHandler } from "../../kernel/handler.ts";
import type { FeedReplay } from "../../kernel/ports.ts";
import type { PageScope, PageTokens } from "../../kernel/sealing.ts";
import { revocationView } from "./revocation-view.ts";

export interface WatchRevocationsDeps {
  readonly feed: FeedReplay;
  readonly pageTokens: PageTokens;
  /** Aborted when the server goes away. */
  readonly draining: AbortSignal;
}

/** Whoever hears nothing for a second is told nothing any more; this leaves room for a slow network. */
const heartbeatMs = 400;

const method = `${TokenService.typeName}/${TokenService.method.watchRevocations.name}`;

type Event = WatchRevocationsResponse["event"];

/** Where a stream is: everything up to `number` of this `era` was sent. */
interface Place {
  number: number;
  readonly era: number;
}

function tooOld(): GatehouseError {
  return new GatehouseError("RESUME_TOKEN_TOO_OLD");
}

function createResumeTokens(pageTokens: PageTokens, call: Call) {
  const scope: PageScope = { method, principalId: callerOf(call).id, filter: "" };
  return {
    write: (number: number, now: Date) => pageTokens.seal(scope, String(number), now),
    /** The same whatever is wrong with it: only a new beginning helps. */
    read(text: string, now: Date): number {
      try {
        return Number(pageTokens.open(scope, text, now));
      } catch (error) {
        throw error instanceof GatehouseError && error.reason === "PAGE_TOKEN_INVALID" ? tooOld() : error;
      }
    },
  };
}

export function createWatchRevocations(
  deps: WatchRevocationsDeps,
): ServerStreamHandler<typeof TokenService.method.watchRevocations> {
  const { feed, pageTokens, draining } = deps;

  function requireSame(place: Place): void {
    if (place.era !== feed.era) throw tooOld();
  }

  /** What came after `place`, page by page, moving it on. */
  async function* pagesAfter(place: Place): AsyncGenerator<readonly Event[]> {
    for (let more = true; more; ) {
      const page = await feed.after(place.number, feed.lookedAt());
      requireSame(place);
      place.number = page.upTo;
      more = page.more;
      yield page.events.flatMap((event) => {
        const value = revocationView(event);
        return value === undefined ? [] : { case: "revocation" as const, value };
      });
    }
  }

  /** What another replica told a moment ago may be newer than what this one knows, but never than the database. */
  async function placeOf(number: number | undefined): Promise<Place> {
    if (number === undefined || number > feed.head) await feed.poll();
    if (number !== undefined && number > feed.head) throw tooOld();
    return { number: number ?? 0, era: feed.era };
  }

  return async function* watch({ resumeToken }, call) {
    const resume = createResumeTokens(pageTokens, call);
    const over = AbortSignal.any([call.signal, draining]);
    const message = (event: Event, resumeToken = "") => create(WatchRevocationsResponseSchema, { event, resumeToken });
    const tokenOf = (place: Place) => resume.write(place.number, feed.lookedAt());

    const place = await placeOf(resumeToken === "" ? undefined : resume.read(resumeToken, call.now));
    // Taken before reading: what is read is at least as new, however slowly the caller takes it.
    let lookedAt = feed.lookedAt();
    let saidAt = lookedAt.getTime();
    const complete = () => ({ completeTime: timestampFromDate(lookedAt) });
    if (resumeToken === "") {
      yield message({ case: "snapshotBegin", value: create(SnapshotBeginSchema) });
      for await (const events of pagesAfter(place)) for (const event of events) yield message(event);
      yield message({ case: "snapshotEnd", value: create(SnapshotEndSchema, complete()) }, tokenOf(place));
    }
    while (!over.aborted) {
      // Before reading, so that no look is missed that ends meanwhile.
      const looked = feed.looked(over);
      lookedAt = feed.lookedAt();
      for await (const events of pagesAfter(place)) {
        // Only the last of a page may be gone on from: what is left of the page would be left out.
        for (const event of events) yield message(event, event === events.at(-1) ? tokenOf(place) : "");
        if (events.length > 0) saidAt = lookedAt.getTime();
      }
      if (lookedAt.getTime() - saidAt >= heartbeatMs) {
        saidAt = lookedAt.getTime();
        yield message({ case: "heartbeat", value: create(HeartbeatSchema, complete()) }, tokenOf(place));
      }
      await looked;
    }
    // The caller's own end is told by the chain; a server that goes away says that another one answers.
    if (!call.signal.aborted) throw new GatehouseError("DRAINING");
  };
}
