// One request to an OAuth endpoint: its form is read, before the gate where the client may stand in it, and then it is a call like every other.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Clock } from "../../../kernel/clock.ts";
import { GatehouseError } from "../../../kernel/errors.ts";
import type { Chain, Failure } from "../../chain.ts";
import { asGatehouseError } from "../../errors.ts";
import type { CallerAddress } from "../../forwarded.ts";
import { readBody } from "../body.ts";
import { incomingOf, peerOf } from "../incoming.ts";
import { headerValues } from "../message.ts";
import { type Sender, type WebCall, welcomeBody } from "../sending.ts";
import { type Shown, shownBy, shownInHeader } from "./credentials.ts";
import type { Endpoint, Operation } from "./endpoints.ts";
import { oauthError } from "./errors.ts";
import { type Form, isForm, maxFormBytes, readForm } from "./form.ts";

export interface OAuthDeps {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly sender: Sender;
  readonly callerAddress: CallerAddress;
  /** What clients put before the paths: the url of a DPoP proof has it too. */
  readonly prefix: string;
  /** For the form to come in whole. */
  readonly requestMs: number;
}

type Headers = Readonly<Record<string, string>> | undefined;

/** What was asked, as far as it could be read. */
interface Asked {
  readonly operation: Operation;
  readonly shown: Shown;
  readonly request: Uint8Array | GatehouseError;
}

async function formOf(call: WebCall, withinMs: number): Promise<Form> {
  const { request } = call;
  // What stands in a URL ends up in logs and histories (RFC 6749 section 2.3.1).
  if (request.url?.includes("?"))
    throw new GatehouseError("REQUEST_INVALID", { message: "parameters belong into the form, not into the url" });
  if (!isForm(request)) throw new GatehouseError("REQUEST_MALFORMED", { message: "the request is not a form" });
  if (headerValues(request, "content-encoding").length > 0) throw new GatehouseError("ENCODING_UNKNOWN");
  welcomeBody(call);
  return readForm(await readBody(call, "identity", { maxBytes: maxFormBytes, withinMs }));
}

async function read(call: WebCall, endpoint: Endpoint, inHeader: Shown, withinMs: number): Promise<Asked> {
  let operation = endpoint.usual;
  // Whoever sends no form is still somebody, and is known before it is told what is wrong.
  let shown = inHeader;
  try {
    const form = await formOf(call, withinMs);
    shown = shownBy(shown, form);
    operation = endpoint.of(form);
    return { operation, shown, request: operation.request(form, shown) };
  } catch (thrown) {
    return { operation, shown, request: asGatehouseError(thrown) };
  }
}

/** What the call is beside what every request of this door is. A header that named a client was read here, and is no token. */
function partOf({ request }: WebCall, { path, publicClients }: Endpoint, shown: Shown, prefix: string) {
  const { client, otherHeader } = shown;
  return {
    metadata: (key: string) => (key === "authorization" && !otherHeader ? [] : headerValues(request, key)),
    target: { httpMethod: "POST", path: prefix + path },
    client: publicClients || client?.clientSecret !== "" ? client : undefined,
  };
}

/** Then the gate comes before the form, as it does everywhere else. The token endpoint learns its method from the form. */
function saysWhoCalls({ bearers }: Endpoint, { client, otherHeader }: Shown): boolean {
  return bearers && (client !== undefined || otherHeader);
}

/** True for callers who came with a token of their own. */
function bearsToken({ request }: WebCall, { bearers }: Endpoint): boolean {
  return bearers && headerValues(request, "authorization").some((value) => /^(bearer|dpop)\b/i.test(value));
}

export function createOAuthAnswer({ chain, clock, sender, callerAddress, prefix, requestMs }: OAuthDeps) {
  const refuse = (call: WebCall, endpoint: Endpoint, failure: Failure): void =>
    sender.json(call, oauthError(failure, bearsToken(call, endpoint)));

  function succeed(call: WebCall, value: JsonObject | undefined, headers: Headers): void {
    // RFC 6749 section 5.1, for caches of HTTP/1.0; the door says no-store of everything.
    const all = { ...headers, pragma: "no-cache" };
    if (value === undefined)
      sender.whole(call, { status: 200, contentType: "text/plain", body: Buffer.alloc(0), headers: all });
    else sender.json(call, { status: 200, value, headers: all });
  }

  return async (call: WebCall, endpoint: Endpoint): Promise<void> => {
    const { request, response } = call;
    const peer = peerOf(request, call.connection, callerAddress);
    const base = incomingOf({ request, response, peer, protocol: "oauth", deadline: undefined });
    const admit = ({ entry }: Operation, shown: Shown) =>
      chain.admit(entry, { ...base, ...partOf(call, endpoint, shown, prefix) });
    const inHeader = shownInHeader(request);
    const early = saysWhoCalls(endpoint, inHeader) ? await admit(endpoint.usual, inHeader) : undefined;
    if (early !== undefined && "failure" in early) return refuse(call, endpoint, early.failure);
    const asked = await read(call, endpoint, inHeader, requestMs);
    const admission = early ?? (await admit(asked.operation, asked.shown));
    if ("failure" in admission) return refuse(call, endpoint, admission.failure);
    if (asked.request instanceof GatehouseError) return refuse(call, endpoint, await admission.refuse(asked.request));
    const reply = await admission.unary(asked.request);
    if ("failure" in reply) return refuse(call, endpoint, reply.failure);
    succeed(call, asked.operation.answer(reply.bytes, clock.now()), reply.metadata);
  };
}
