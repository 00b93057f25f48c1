// What the web door has beside calls: the public keys, and two answers for whoever looks after the process.
import { createHash } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { GetJwksResponseSchema, type Jwk } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { Chain } from "../chain.ts";
import type { CallerAddress } from "../forwarded.ts";
import type { MethodEntry } from "../policy.ts";
import { errorJson, failureHeaders, httpStatusOf } from "./errors.ts";
import { incomingOf, peerOf } from "./incoming.ts";
import { headerValues } from "./message.ts";
import type { Sender, WebCall } from "./sending.ts";

export type HealthOf = () => ReadonlyMap<string, "SERVING" | "NOT_SERVING">;

export interface PageDeps {
  readonly chain: Chain;
  readonly sender: Sender;
  readonly callerAddress: CallerAddress;
  readonly health: HealthOf;
  /** TokenService.GetJwks; undefined = the keys are not served. */
  readonly jwks: MethodEntry | undefined;
}

export interface Page {
  /** For pages of every origin, without credentials. */
  readonly open: boolean;
  /** Of HTTP; GET and HEAD when it does not say. */
  readonly methods?: "POST";
  answer(call: WebCall): void | Promise<void>;
}

/** Keys are announced long before they sign and kept long after, so that a copy may be this old. */
export const jwksMaxAgeSeconds = 300;

/** Members without a value are not members (RFC 7517 section 4). */
function members({ kty, use, alg, kid, crv, x, y, n, e }: Jwk): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries({ kty, use, alg, kid, crv, x, y, n, e }).filter(([, value]) => value !== ""),
  );
}

/** If-None-Match compares weakly, and `*` matches whatever there is (RFC 9110 section 13.1.2). */
function holds(given: readonly string[], tag: string): boolean {
  const tags = given
    .join(",")
    .split(",")
    .map((text) => text.trim().replace(/^W\//, ""));
  return tags.includes(tag) || tags.includes("*");
}

function jwksPage({ chain, sender, jwks: entry, callerAddress }: PageDeps & { readonly jwks: MethodEntry }): Page {
  return {
    open: true,
    async answer(call) {
      const { request, response } = call;
      const peer = peerOf(request, call.connection, callerAddress);
      const incoming = incomingOf({ request, response, peer, protocol: "connect", deadline: undefined });
      const reply = await chain.unary(entry, incoming, new Uint8Array(0));
      if ("failure" in reply) {
        const { failure } = reply;
        sender.json(call, {
          status: httpStatusOf(failure),
          value: errorJson(failure),
          headers: failureHeaders(failure),
        });
        return;
      }
      const { keys } = fromBinary(GetJwksResponseSchema, reply.bytes);
      const body = Buffer.from(JSON.stringify({ keys: keys.map(members) }));
      const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
      response.setHeader("etag", etag);
      response.setHeader("cache-control", `public, max-age=${jwksMaxAgeSeconds}`);
      response.setHeader("cross-origin-resource-policy", "cross-origin");
      if (holds(headerValues(request, "if-none-match"), etag)) {
        sender.empty(call, 304);
        return;
      }
      sender.whole(call, { status: 200, contentType: "application/jwk-set+json", body, headers: reply.metadata });
    },
  };
}

const forwarding = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/** Somebody on this very machine, and not by way of a proxy on it. */
function isLocal({ request, connection: { address } }: WebCall): boolean {
  if (address !== "unix" && address !== "::1" && !/^127\./.test(address)) return false;
  return forwarding.every((name) => headerValues(request, name).length === 0);
}

export function createPages(deps: PageDeps): ReadonlyMap<string, Page> {
  const { sender, health } = deps;
  const pages = new Map<string, Page>();
  pages.set("/healthz", {
    open: false,
    answer: (call) => sender.json(call, { status: 200, value: { status: "ALIVE" } }),
  });
  pages.set("/readyz", {
    open: false,
    answer(call) {
      const statuses = health();
      const ready = statuses.get("") === "SERVING";
      const missing = [...statuses].filter(([name, status]) => name !== "" && status !== "SERVING");
      const names = isLocal(call) ? { notReady: missing.map(([name]) => name) } : {};
      const value = ready ? { status: "SERVING" } : { status: "NOT_SERVING", ...names };
      sender.json(call, { status: ready ? 200 : 503, value, headers: ready ? {} : { "retry-after": "1" } });
    },
  });
  if (deps.jwks !== undefined) pages.set("/.well-known/jwks.json", jwksPage({ ...deps, jwks: deps.jwks }));
  return pages;
}
