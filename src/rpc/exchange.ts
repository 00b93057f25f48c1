// One call on its way through the chain: what the door hands in, and what the steps learn.
import type { Message } from "@bufbuild/protobuf";
import type { AuditDraft } from "../kernel/audit.ts";
import type { GatehouseError } from "../kernel/errors.ts";
import type { Call, Peer } from "../kernel/handler.ts";
import type { Principal } from "../kernel/principal.ts";
import type { Seat } from "./limits/concurrency.ts";
import type { Quota } from "./limits/quota-metadata.ts";
import type { MethodEntry } from "./policy.ts";

/** How the caller speaks, in the words of OpenTelemetry's `rpc.system.name` and of the access log. */
export type Protocol = "grpc" | "grpc_web" | "connect" | "oauth";

/** A client as it shows itself at an OAuth endpoint. The empty secret is that of a public one. */
export interface ShownClient {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A call as it comes in through a door, in words of no particular wire. */
export interface Incoming {
  readonly protocol: Protocol;
  /** All values of a metadata key, in lower case. */
  metadata(key: string): readonly string[];
  readonly peer: Peer;
  /** Of the HTTP request, where it is not a POST to the path of the method. */
  readonly target?: { readonly httpMethod: string; readonly path: string } | undefined;
  /** Who calls, where a client shows itself by its secret and not by a token. */
  readonly client?: ShownClient | undefined;
  /** Unix milliseconds by which the caller wants its answer; undefined = it did not say. */
  readonly deadline: number | undefined;
  /** Calls back once when the caller goes away before the answer is out; at once when it has gone already. */
  onCancel(listener: () => void): void;
  /** The call is over for its caller and its handler works on: a door that counts handlers counts it until then. */
  outlivedBy?(work: Promise<unknown>): void;
}

export type Outcome =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly error: GatehouseError;
      /** UUID under which the log keeps the cause. */
      readonly errorId: string;
    };

export interface Exchange {
  readonly entry: MethodEntry;
  readonly incoming: Incoming;
  readonly now: Date;
  readonly requestId: string;
  /** What the caller gave as `x-request-id`, when it is fit to be repeated. */
  readonly givenRequestId: string | undefined;
  /** Milliseconds of the monotonic clock at which the chain began. */
  begun: number;
  /** The one request of a unary or server-streaming call, in protobuf's binary form; empty until it is read and for client streams. */
  readonly body: Uint8Array;
  /** Unix milliseconds; the caller's deadline or ours, whichever is earlier. */
  deadline: number;
  principal: Principal | undefined;
  request: Message | undefined;
  /** The stored answer of the same request made before. */
  replayed: Uint8Array | undefined;
  outcome: Outcome | undefined;
  /** Goes with the answer, and with the refusal: headers on the web, trailers in gRPC. Names in lower case. */
  answerMetadata: Readonly<Record<string, string>> | undefined;
  /** What the answer will say of the budget that has least left. */
  quota: Quota | undefined;
  /** Held while the call is under way. */
  seat: Seat | undefined;
  /** Made when somebody asks for it, since most reads leave no record. */
  readonly audit: AuditDraft;
  /** Set when a record of this exchange is in the audit trail already, together with its effect, or may be. */
  recorded: boolean;
  readonly call: Call;
}
