// Who acts for whom (RFC 8693 sections 4.1 and 4.4), and what a token that was exchanged rests on: it dies with each of them.
import { formatId, parseId } from "../../kernel/ids.ts";
import {
  asObject,
  generationNumber,
  malformed,
  optional,
  preciseInstant,
  text,
  uuid,
  uuidText,
} from "./claim-values.ts";
import type { JsonObject } from "./strict-json.ts";

/** Who uses a token in the name of its subject. */
export interface Actor {
  /** UUID of the principal that the client acts as; undefined = none in particular. */
  readonly subject: string | undefined;
  readonly clientId: string;
}

/** A token that another was given for, by whatever could end it. */
export interface Origin {
  readonly tokenId: string;
  /** Of the key that signed it. */
  readonly kid: string;
  readonly clientId: string;
  readonly clientGeneration: number | undefined;
  readonly credentialId: string | undefined;
  readonly since?: number | undefined;
  /** UUIDs, where they are not those of the token itself. */
  readonly subject?: string | undefined;
  readonly sessionId?: string | undefined;
}

/** A principal through whose hands a token went that is another's, as it stood then: the token dies with what it has itself. */
export interface Hand {
  /** UUID. */
  readonly subject: string;
  readonly generation: number;
}

/** A token that went through so many hands goes no further: each one makes it longer, and harder to say who did what. */
export const mostActors = 4;
/** The subject's token and the actor's, at each step. */
export const mostOrigins = 2 * mostActors;

/** Whoever exchanges, and whose token it shows as the actor's, at each step. */
export const mostHands = 2 * mostActors;

type Chain = readonly [Actor, ...Actor[]];

/** `act`, the latest outermost. */
export function writeActors(actors: readonly Actor[] | undefined): JsonObject | undefined {
  if (actors === undefined) return undefined;
  return actors.reduceRight<JsonObject | undefined>(
    (inner, { subject, clientId }) => ({
      sub: subject === undefined ? clientId : formatId("principal", subject),
      client_id: clientId,
      act: inner,
    }),
    undefined,
  );
}

/** A client id never looks like the id of a principal: it holds no underscore. */
export function readActors(payload: JsonObject): Chain {
  const { act: inner, ...actor } = asObject(payload.act);
  const clientId = text(actor, "client_id");
  const sub = text(actor, "sub");
  const subject = sub === clientId ? undefined : uuid(parseId("principal", sub));
  const earlier = inner === undefined ? [] : readActors({ act: inner });
  if (earlier.length >= mostActors) throw malformed();
  return [{ subject, clientId }, ...earlier];
}

export function writeOrigins(origins: readonly Origin[] | undefined): readonly JsonObject[] | undefined {
  return origins?.map((origin) => ({
    jti: origin.tokenId,
    kid: origin.kid,
    client_id: origin.clientId,
    cgen: origin.clientGeneration,
    cred: origin.credentialId,
    since: origin.since,
    sub: origin.subject,
    sid: origin.sessionId,
  }));
}

function readOrigin(value: unknown): Origin {
  const origin = asObject(value);
  return {
    tokenId: uuid(text(origin, "jti")),
    kid: text(origin, "kid"),
    clientId: text(origin, "client_id"),
    clientGeneration: optional(origin, "cgen", generationNumber),
    credentialId: optional(origin, "cred", uuidText),
    since: optional(origin, "since", preciseInstant),
    subject: optional(origin, "sub", uuidText),
    sessionId: optional(origin, "sid", uuidText),
  };
}

export function readOrigins(payload: JsonObject): readonly Origin[] {
  const { src } = payload;
  if (!Array.isArray(src) || src.length === 0 || src.length > mostOrigins) throw malformed();
  return src.map(readOrigin);
}

/** Each once, as it stood when it first had the token; not the subject, whom the token names already. */
export function joinHands(subject: string, hands: readonly Hand[]): readonly Hand[] | undefined {
  const least = new Map<string, number>();
  for (const hand of hands) {
    const { generation } = hand;
    if (hand.subject !== subject) least.set(hand.subject, Math.min(least.get(hand.subject) ?? generation, generation));
  }
  return least.size === 0 ? undefined : [...least].map(([of, generation]) => ({ subject: of, generation }));
}

export function writeHands(hands: readonly Hand[] | undefined): readonly JsonObject[] | undefined {
  return hands?.map(({ subject, generation }) => ({ sub: formatId("principal", subject), gen: generation }));
}

function readHand(value: unknown): Hand {
  const hand = asObject(value);
  return { subject: uuid(parseId("principal", text(hand, "sub"))), generation: generationNumber(hand, "gen") };
}

export function readHands(payload: JsonObject): readonly Hand[] {
  const { via } = payload;
  if (!Array.isArray(via) || via.length === 0 || via.length > mostHands) throw malformed();
  return via.map(readHand);
}
