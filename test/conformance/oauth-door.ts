// A web door whose token methods answer what a test puts in, and a client that posts forms to its OAuth endpoints.
import type { OutgoingHttpHeaders } from "node:http";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { GatehouseError } from "../../src/kernel/errors.ts";
import type { Call } from "../../src/kernel/handler.ts";
import type { ClientPrincipals } from "../../src/kernel/ports.ts";
import { principalOf } from "../fakes/principal.ts";
import { ask, openTestWebDoor, type TestWebDoor, type WebAnswer } from "./web-door.ts";

export const [tokenPath, introspectPath, revokePath] = ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"];
export const form = { "content-type": "application/x-www-form-urlencoded" };
export const basic = { authorization: `Basic ${Buffer.from("till:right-secret").toString("base64")}` };
export const exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange";

/** Knows `till`, with its secret and without. */
export const clients: ClientPrincipals = {
  async authenticate(clientId, secret) {
    if (clientId !== "till" || (secret !== "right-secret" && secret !== "")) throw new GatehouseError("CLIENT_INVALID");
    return { ...principalOf(), client: clientId, clientId };
  },
};

interface Seen {
  readonly method: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly call: Call;
}

export interface OAuthDoor extends TestWebDoor {
  /** What reached a method, in its order. */
  readonly seen: readonly Seen[];
  /** The requests of these, with the name of the method. */
  requests(): readonly object[];
  /** By method; an error is thrown. Empty = the empty message. */
  readonly answers: Map<string, unknown>;
  /** Forgets what was seen and what is to be answered. */
  clear(): void;
  post(
    path: string,
    fields: Readonly<Record<string, string>> | string,
    headers?: OutgoingHttpHeaders,
  ): Promise<WebAnswer>;
}

export async function openOAuthDoor(): Promise<OAuthDoor> {
  const seen: Seen[] = [];
  const answers = new Map<string, unknown>();
  const scripted = (method: string) => (request: never, call: Call) => {
    seen.push({ method, request, call });
    const answer = answers.get(method);
    if (answer instanceof Error) throw answer;
    return answer ?? {};
  };
  const methods = ["IssueToken", "ExchangeToken", "Refresh", "Introspect", "Revoke"];
  const script = Object.fromEntries(methods.map((name) => [`TokenService/${name}`, scripted(name)]));
  const door = await openTestWebDoor({ clients, tokens: { "a-token": principalOf() }, script });
  return {
    ...door,
    seen,
    answers,
    requests: () => seen.map(({ method, request }) => ({ method, ...request })),
    clear() {
      seen.length = 0;
      answers.clear();
    },
    post(path, fields, headers = {}) {
      const body = typeof fields === "string" ? fields : new URLSearchParams(fields).toString();
      return ask(door, path, { method: "POST", headers: { ...form, ...headers }, body });
    },
  };
}

/** Half a second later than that, since an answer says whole seconds. */
export const inAnHour = () => timestampFromMs(Date.now() + 3_600_500);

/** Status and error of RFC 6749 section 5.2. */
export const errorOf = ({ status, json }: WebAnswer) => [status, json?.error];
