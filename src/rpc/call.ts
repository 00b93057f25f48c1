// Builds the exchange of a call and the view of it that its handler gets. What most calls never ask for (a record, an
// abort signal, an id) is made when it is asked for.
import { randomUUID } from "node:crypto";
import { fromBinary, isMessage, type Message, toBinary } from "@bufbuild/protobuf";
import type { AuditDraft } from "../kernel/audit.ts";
import { isUniqueViolation, type Transaction } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import type { Call, Possession } from "../kernel/handler.ts";
import { uuidv7 } from "../kernel/ids.ts";
import { granted, inScope, type Principal, visibility } from "../kernel/principal.ts";
import type { SharedEffect, UnitOfWork } from "../kernel/unit-of-work.ts";
import type { Exchange, Incoming, Outcome } from "./exchange.ts";
import type { MethodEntry } from "./policy.ts";
import type { RequestKey, RequestRecords } from "./request-records/records.ts";
import { requestRecordKey } from "./request-records/store.ts";
import type { CountGuess } from "./steps/limit.ts";

export interface CallDeps {
  readonly unitOfWork: UnitOfWork;
  readonly records: RequestRecords;
  readonly countGuess: CountGuess;
}

/** An exchange with the switches that only the chain may touch. */
export interface RunningExchange extends Exchange {
  body: Uint8Array;
  /** A transaction is under way whose outcome must be awaited, whatever the clock says. */
  committing: boolean;
  /** Why nobody waits for the handler any more; it must not begin to write then. */
  overdue: GatehouseError | undefined;
  abort(reason: GatehouseError): void;
}

const acceptableRequestId = /^[A-Za-z0-9._-]{8,64}$/;

function givenRequestIdOf(incoming: Incoming): string | undefined {
  const [given] = incoming.metadata("x-request-id");
  return given !== undefined && acceptableRequestId.test(given) ? given : undefined;
}

function draftOf({ entry, now, requestId, principal, incoming }: Exchange): AuditDraft {
  return {
    eventId: uuidv7(now),
    occurredAt: now,
    event: entry.auditEvent,
    category: entry.auditCategory,
    outcome: "SUCCESS",
    reason: undefined,
    grpcCode: 0,
    method: entry.name,
    requestId,
    actor:
      principal === undefined || principal.id === ""
        ? { id: "", kind: "anonymous", sessionId: undefined, clientId: principal?.clientId }
        : { id: principal.id, kind: principal.kind, sessionId: principal.sessionId, clientId: principal.clientId },
    subjectId: principal?.id || undefined,
    personal: {
      address: incoming.peer.address,
      ...(incoming.peer.userAgent === "" ? {} : { userAgent: incoming.peer.userAgent }),
    },
    resources: [],
    details: principal?.client === undefined ? {} : { client: principal.client },
  };
}

/** What the caller shows of what its token is bound to, or shall be. */
export function possessionOf({ entry, incoming }: Exchange): Possession {
  const { httpMethod, path } = incoming.target ?? { httpMethod: "POST", path: `/${entry.name}` };
  return { httpMethod, path, proofs: incoming.metadata("dpop"), certificate: incoming.peer.certificate };
}

/** Runs `work` and keeps its answer for repeats; the loser of two repeats at once gets the winner's answer. */
async function commitOnce<T extends object>(
  exchange: RunningExchange,
  deps: CallDeps,
  key: RequestKey,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const { output } = exchange.entry.method;
  try {
    return await deps.unitOfWork.commit(exchange.audit, async (tx) => {
      const answer = await work(tx);
      if (isMessage(answer, output)) await deps.records.remember(tx, key, toBinary(output, answer as Message));
      return answer;
    });
  } catch (error) {
    // The winner may have been first to anything else that is unique as well: a login name, an invitation.
    if (error instanceof GatehouseError && error.reason === "OUTCOME_UNKNOWN") throw error;
    const stored = await deps.records.find(key);
    if (stored === undefined)
      throw isUniqueViolation(error, requestRecordKey)
        ? new GatehouseError("REQUEST_IN_PROGRESS", { cause: error })
        : error;
    exchange.replayed = stored;
    return fromBinary(output, stored) as object as T;
  }
}

/** Awaits what must not be left alone, and notes whether the call's record is stored with it. */
async function committing<T>(
  exchange: RunningExchange,
  effect: () => Promise<T>,
  isRecorded: (result: T) => boolean,
): Promise<T> {
  if (exchange.overdue !== undefined) throw exchange.overdue;
  exchange.committing = true;
  try {
    const result = await effect();
    exchange.recorded = isRecorded(result);
    return result;
  } catch (error) {
    // Whether the record exists is as unknown as the outcome; a second one under the same id would be refused.
    if (error instanceof GatehouseError && error.reason === "OUTCOME_UNKNOWN") exchange.recorded = true;
    throw error;
  } finally {
    exchange.committing = false;
  }
}

function commit<T extends object>(
  exchange: RunningExchange,
  deps: CallDeps,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const effect = () => {
    const key = deps.records.keyOf(exchange);
    return key === undefined ? deps.unitOfWork.commit(exchange.audit, work) : commitOnce(exchange, deps, key, work);
  };
  return committing(exchange, effect, () => exchange.replayed === undefined);
}

function commitTogether<Input, Answer>(
  exchange: RunningExchange,
  deps: CallDeps,
  effect: SharedEffect<Input, Answer>,
  input: Input,
): Promise<Answer | undefined> {
  const together = async () => {
    if (deps.records.keyOf(exchange) !== undefined) throw new TypeError("an answer to repeats is kept by commit alone");
    return await deps.unitOfWork.commitTogether(exchange.audit, effect, input);
  };
  return committing(exchange, together, (answer) => answer !== undefined);
}

// Classes, against the rule of the house: an object literal with accessors makes them anew for every call, which cost
// 5 KB of garbage and a fifth of the rate of a token check. docs/decisions/0010-objects-of-a-call.md.

class CallView implements Call {
  readonly #exchange: RunningExchange;
  readonly #deps: CallDeps;
  #controller: AbortController | undefined = undefined;
  readonly now: Date;

  constructor(exchange: RunningExchange, deps: CallDeps) {
    this.#exchange = exchange;
    this.#deps = deps;
    this.now = exchange.now;
  }

  get principal() {
    return this.#exchange.principal;
  }

  get requestId() {
    return this.#exchange.requestId;
  }

  get audit() {
    return this.#exchange.audit;
  }

  get peer() {
    return this.#exchange.incoming.peer;
  }

  get possession() {
    return possessionOf(this.#exchange);
  }

  get signal() {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#exchange.overdue !== undefined) this.#controller.abort(this.#exchange.overdue);
    }
    return this.#controller.signal;
  }

  abort(reason: GatehouseError): void {
    this.#controller?.abort(reason);
  }

  holds(permission: string, resource: string) {
    const { principal, now } = this.#exchange;
    if (principal === undefined || !inScope(principal.scopes, permission)) return false;
    return granted(principal.standing.grants, permission, resource, now.getTime());
  }

  async guess(loginName: string): Promise<void> {
    await this.#deps.countGuess(this.#exchange, loginName);
  }

  visible(permission: string, parent: string) {
    const { principal, now } = this.#exchange;
    if (principal === undefined || !inScope(principal.scopes, permission)) return { allow: [], deny: [] };
    return visibility(principal.standing.grants, permission, parent, now.getTime());
  }

  commit<T extends object>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return commit(this.#exchange, this.#deps, work);
  }

  commitTogether<Input, Answer>(effect: SharedEffect<Input, Answer>, input: Input): Promise<Answer | undefined> {
    return commitTogether(this.#exchange, this.#deps, effect, input);
  }
}

class ExchangeState implements RunningExchange {
  readonly entry: MethodEntry;
  readonly incoming: Incoming;
  body: Uint8Array;
  readonly now: Date;
  readonly #deps: CallDeps;
  deadline = Number.POSITIVE_INFINITY;
  principal: Principal | undefined = undefined;
  request: Message | undefined = undefined;
  replayed: Uint8Array | undefined = undefined;
  outcome: Outcome | undefined = undefined;
  answerMetadata: Readonly<Record<string, string>> | undefined = undefined;
  quota: Exchange["quota"] = undefined;
  seat: Exchange["seat"] = undefined;
  recorded = false;
  committing = false;
  overdue: GatehouseError | undefined = undefined;
  begun = 0;
  #given: string | undefined = undefined;
  #asked = false;
  #requestId: string | undefined = undefined;
  #audit: AuditDraft | undefined = undefined;
  #call: CallView | undefined = undefined;

  constructor(entry: MethodEntry, incoming: Incoming, body: Uint8Array, now: Date, deps: CallDeps) {
    this.entry = entry;
    this.incoming = incoming;
    this.body = body;
    this.now = now;
    this.#deps = deps;
  }

  get givenRequestId() {
    if (!this.#asked) {
      this.#asked = true;
      this.#given = givenRequestIdOf(this.incoming);
    }
    return this.#given;
  }

  get requestId() {
    this.#requestId ??= this.givenRequestId ?? randomUUID();
    return this.#requestId;
  }

  get audit() {
    this.#audit ??= draftOf(this);
    return this.#audit;
  }

  get call() {
    this.#call ??= new CallView(this, this.#deps);
    return this.#call;
  }

  abort(reason: GatehouseError): void {
    this.#call?.abort(reason);
  }
}

export function createExchange(
  entry: MethodEntry,
  incoming: Incoming,
  body: Uint8Array,
  now: Date,
  deps: CallDeps,
): RunningExchange {
  return new ExchangeState(entry, incoming, body, now, deps);
}
