// From a request to what answers it: a method of the table, a page, or a refusal that looks like every other error.
import { type DescMessage, getOption } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Idempotency } from "@bufbuild/protobuf/wkt";
import { Access, data, FieldData } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Chain } from "../chain.ts";
import type { MethodEntry, PolicyTable } from "../policy.ts";
import type { AnswerCall } from "./calls.ts";
import type { Cors } from "./cors.ts";
import { sendFailure } from "./ending.ts";
import { errorJson } from "./errors.ts";
import { headerBytes, headerValues, isHttp2, pathOf, singleHeader } from "./message.ts";
import type { Page } from "./pages.ts";
import type { Sender, WebCall } from "./sending.ts";
import { servedTypes, type Wire, wireOf } from "./wire.ts";

interface RouteDeps {
  readonly chain: Chain;
  readonly table: PolicyTable;
  readonly pages: ReadonlyMap<string, Page>;
  readonly calls: AnswerCall;
  readonly cors: Cors;
  readonly sender: Sender;
  readonly maxHeaderBytes: number;
}

export type Route = (call: WebCall) => void | Promise<void>;

function holdsSecret(message: DescMessage, seen = new Set<DescMessage>()): boolean {
  if (seen.has(message)) return false;
  seen.add(message);
  return message.fields.some(
    (field) =>
      getOption(field, data) === FieldData.SECRET || (field.message !== undefined && holdsSecret(field.message, seen)),
  );
}

/** URLs end up in histories, logs and caches: only what anybody may ask and nobody minds may be asked by one. */
function mayGet({ method, access }: MethodEntry): boolean {
  return (
    method.methodKind === "unary" &&
    method.idempotency === Idempotency.NO_SIDE_EFFECTS &&
    access === Access.PUBLIC &&
    !holdsSecret(method.input)
  );
}

/** Connect's GET: the message stands in the query. */
function readQuery(url: string): { readonly wire: Wire; readonly query: Uint8Array } | undefined {
  const parameters = new URLSearchParams(url.slice(url.indexOf("?") + 1));
  const encoding = parameters.get("encoding");
  const wire = encoding === "json" || encoding === "proto" ? wireOf(`application/${encoding}`, true) : undefined;
  if (wire === undefined || parameters.has("compression")) return undefined;
  const message = parameters.get("message") ?? "";
  return { wire, query: Buffer.from(message, parameters.get("base64") === "1" ? "base64url" : "utf8") };
}

/** RFC 9112 section 3.2: one host, or proxies and we might not agree on whom the request is for. */
function lacksHost({ request }: WebCall): boolean {
  if (isHttp2(request)) return false;
  const hosts = headerValues(request, "host").length;
  return hosts > 1 || (hosts === 0 && request.httpVersion !== "1.0");
}

/** A refusal that reached no method. */
type Refuse = (call: WebCall, status: number, message: string, headers?: Readonly<Record<string, string>>) => void;

function createRefuse({ chain, sender }: RouteDeps): Refuse {
  return (call, status, message, headers = {}) => {
    const failure = chain.failure(new GatehouseError("METADATA_INVALID", { message }));
    sender.json(call, { status, value: errorJson(failure), headers });
  };
}

const closing = { connection: "close" };

/** True when what is wrong with the headers concerns no path in particular; then it is told. */
function refusesHeaders(call: WebCall, maxHeaderBytes: number, refuse: Refuse): boolean {
  const { request } = call;
  const expected = headerValues(request, "expect");
  if (headerBytes(request) > maxHeaderBytes)
    refuse(call, 431, "the metadata is too long", isHttp2(request) ? {} : closing);
  else if (lacksHost(call)) refuse(call, 400, "there must be one host header");
  else if (expected.some((word) => word.toLowerCase() !== "100-continue"))
    refuse(call, 417, "the expectation is not met");
  else return false;
  return true;
}

function createCallRoute({ table, calls, cors, sender }: RouteDeps, refuse: Refuse) {
  const gettable = new Set([...table.values()].filter(mayGet));

  function answerGet(call: WebCall, entry: MethodEntry): void | Promise<void> {
    const asked = readQuery(call.request.url ?? "");
    if (asked === undefined || asked.query.byteLength > entry.maxRequestBytes)
      return refuse(call, 400, "the query is not that of a call");
    return calls({ ...call, entry, ...asked });
  }

  function answerPost(call: WebCall, entry: MethodEntry): void | Promise<void> {
    const types = headerValues(call.request, "content-type");
    const wire = types.length === 1 ? wireOf(types[0], entry.method.methodKind === "unary") : undefined;
    if (wire === undefined)
      return refuse(call, 415, "the content type is not served here", { "accept-post": servedTypes });
    // HTTP/1.1 clients wait for the end of their request before they read.
    if (entry.method.methodKind === "bidi_streaming" && !isHttp2(call.request))
      return refuse(call, 505, "streams in both ways need HTTP/2", closing);
    return calls({ ...call, entry, wire });
  }

  return (call: WebCall, entry: MethodEntry): void | Promise<void> => {
    const methods = gettable.has(entry) ? "POST, GET" : "POST";
    cors.mark(call.request, call.response, false);
    if (cors.preflight(call.request, call.response, methods, false)) return sender.empty(call, 204);
    if (call.request.method === "POST") return answerPost(call, entry);
    if (call.request.method === "GET" && gettable.has(entry)) return answerGet(call, entry);
    refuse(call, 405, wrongMethod, { allow: methods });
  };
}

const wrongMethod = "this path is not for this HTTP method";

export function createRoute(deps: RouteDeps): Route {
  const { chain, table, pages, cors, sender } = deps;
  const refuse = createRefuse(deps);
  const answerCall = createCallRoute(deps, refuse);

  function unknownPath(call: WebCall): void {
    const failure = chain.failure(new GatehouseError("METHOD_UNKNOWN"));
    const wire = wireOf(singleHeader(call.request, "content-type"), true);
    // Its clients look for the status in trailers, whatever HTTP says.
    if (wire?.protocol === "grpc_web") sendFailure(sender, { ...call, wire }, failure);
    else sender.json(call, { status: 404, value: errorJson(failure) });
  }

  function answerPage(call: WebCall, page: Page): void | Promise<void> {
    const methods = page.methods ?? "GET, HEAD";
    cors.mark(call.request, call.response, page.open);
    if (cors.preflight(call.request, call.response, methods, page.open)) return sender.empty(call, 204);
    const { method = "" } = call.request;
    if (methods.split(", ").includes(method)) return page.answer(call);
    refuse(call, 405, wrongMethod, { allow: methods });
  }

  return (call) => {
    if (refusesHeaders(call, deps.maxHeaderBytes, refuse)) return;
    const path = pathOf(call.request);
    const page = pages.get(path);
    if (page !== undefined) return answerPage(call, page);
    const entry = table.get(path);
    if (entry !== undefined) return answerCall(call, entry);
    cors.mark(call.request, call.response, false);
    unknownPath(call);
  };
}
