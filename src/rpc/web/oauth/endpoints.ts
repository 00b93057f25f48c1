// Which endpoints there are, and which method answers what comes to them. Whatever is not served here is not advertised.
import type { JsonObject } from "@bufbuild/protobuf";
import { GatehouseError } from "../../../kernel/errors.ts";
import type { MethodEntry, PolicyTable } from "../../policy.ts";
import { exchangedAnswer, introspectedAnswer, issuedAnswer, refreshedAnswer } from "./answers.ts";
import type { Shown } from "./credentials.ts";
import type { Form } from "./form.ts";
import { exchangeRequest, introspectRequest, issueRequest, refreshRequest, revokeRequest } from "./requests.ts";

export interface Operation {
  readonly entry: MethodEntry;
  /** Throws GatehouseError. */
  request(form: Form, shown: Shown): Uint8Array;
  /** Undefined = an empty body. */
  answer(bytes: Uint8Array, now: Date): JsonObject | undefined;
}

export interface Endpoint {
  readonly path: string;
  /** Whether a client without a secret may call: what it holds then speaks for it. */
  readonly publicClients: boolean;
  /** Whether a token may speak for the caller instead. */
  readonly bearers: boolean;
  /** Of forms that name none that is served: recorded and limited like any other malformed request. */
  readonly usual: Operation;
  /** Throws GatehouseError. */
  of(form: Form): Operation;
}

export interface Endpoints {
  /** By grant type, as far as they are served. */
  readonly grants: ReadonlyMap<string, Operation>;
  readonly token: Endpoint | undefined;
  readonly introspection: Endpoint | undefined;
  readonly revocation: Endpoint | undefined;
}

type Making = Omit<Operation, "entry">;

const grantMethods: Readonly<Record<string, Making & { readonly method: string }>> = {
  client_credentials: { method: "IssueToken", request: issueRequest, answer: issuedAnswer },
  refresh_token: { method: "Refresh", request: refreshRequest, answer: refreshedAnswer },
  "urn:ietf:params:oauth:grant-type:token-exchange": {
    method: "ExchangeToken",
    request: exchangeRequest,
    answer: exchangedAnswer,
  },
};

function tokenEndpoint(grants: Endpoints["grants"]): Endpoint | undefined {
  const [usual] = grants.values();
  if (usual === undefined) return undefined;
  return {
    path: "/oauth2/token",
    publicClients: true,
    bearers: false,
    usual,
    of(form) {
      const type = form.get("grant_type");
      if (type === undefined) throw new GatehouseError("REQUEST_INVALID", { message: "there is no grant_type" });
      const grant = grants.get(type);
      if (grant === undefined) throw new GatehouseError("GRANT_TYPE_UNKNOWN");
      return grant;
    },
  };
}

export function createEndpoints(table: PolicyTable): Endpoints {
  const entryOf = (method: string) => table.get(`/gatehouse.token.v1.TokenService/${method}`);
  const only = (path: string, method: string, publicClients: boolean, making: Making): Endpoint | undefined => {
    const entry = entryOf(method);
    if (entry === undefined) return undefined;
    const usual = { entry, ...making };
    return { path, publicClients, bearers: true, usual, of: () => usual };
  };
  const grants = new Map(
    Object.entries(grantMethods).flatMap(([type, { method, ...making }]) => {
      const entry = entryOf(method);
      return entry === undefined ? [] : [[type, { entry, ...making }] as const];
    }),
  );
  return {
    grants,
    token: tokenEndpoint(grants),
    introspection: only("/oauth2/introspect", "Introspect", false, {
      request: introspectRequest,
      answer: introspectedAnswer,
    }),
    revocation: only("/oauth2/revoke", "Revoke", true, { request: revokeRequest, answer: () => undefined }),
  };
}
