// From a form to the request of the method that answers it.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  ExchangeTokenRequestSchema,
  IntrospectRequestSchema,
  IssueTokenRequestSchema,
  RefreshRequestSchema,
  RevokeRequestSchema,
  TokenKind,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { GatehouseError, invalidField } from "../../../kernel/errors.ts";
import type { ShownClient } from "../../exchange.ts";
import { accessTokenType } from "./answers.ts";
import type { Shown } from "./credentials.ts";
import type { Form } from "./form.ts";

function needed(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw invalidField(name, "is required");
  return value;
}

/** RFC 6749 section 3.3: words of visible ASCII with single spaces between them. */
function scopesOf(form: Form): string[] {
  const scopes = form.get("scope")?.split(" ") ?? [];
  if (!scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))
    throw invalidField("scopes", "must be words with single spaces between them");
  return scopes;
}

/** RFC 8693 calls it audience, RFC 8707 resource. A token has one. */
function audienceOf(form: Form): string {
  const [audience, resource] = [form.get("audience"), form.get("resource")];
  if (audience !== undefined && resource !== undefined && audience !== resource)
    throw invalidField("audience", "and resource must be the same, as a token has one audience");
  return audience ?? resource ?? "";
}

function clientOf({ client, otherHeader }: Shown): ShownClient {
  if (otherHeader) throw new GatehouseError("CLIENT_INVALID", { auditReason: "CREDENTIAL_MALFORMED" });
  if (client === undefined) throw new GatehouseError("CREDENTIAL_MISSING");
  return client;
}

/** A client without a secret is a public one, which has no tokens of its own and exchanges none. */
function confidential(shown: Shown): ShownClient {
  const client = clientOf(shown);
  if (client.clientSecret === "") throw new GatehouseError("CLIENT_INVALID", { auditReason: "CLIENT_SECRET_MISSING" });
  return client;
}

export function issueRequest(form: Form, shown: Shown): Uint8Array {
  const message = create(IssueTokenRequestSchema, {
    credential: { case: "client", value: { ...confidential(shown) } },
    audience: audienceOf(form),
    scopes: scopesOf(form),
  });
  return toBinary(IssueTokenRequestSchema, message);
}

/** RFC 6749 section 6. What the session is for was settled when it was opened. */
export function refreshRequest(form: Form, shown: Shown): Uint8Array {
  if (audienceOf(form) !== "") throw invalidField("audience", "was settled at the login");
  const message = create(RefreshRequestSchema, {
    refreshToken: needed(form, "refresh_token"),
    scopes: scopesOf(form),
    ...clientOf(shown),
  });
  return toBinary(RefreshRequestSchema, message);
}

const kinds: ReadonlyMap<string, TokenKind> = new Map([
  [accessTokenType, TokenKind.ACCESS],
  ["urn:ietf:params:oauth:token-type:refresh_token", TokenKind.REFRESH],
]);

/** RFC 8693 section 3. UNSPECIFIED = there is none; which ones are taken is the method's. */
function kindOf(form: Form, name: string): TokenKind {
  const type = form.get(name);
  if (type === undefined) return TokenKind.UNSPECIFIED;
  const kind = kinds.get(type);
  if (kind === undefined) throw invalidField(name, "is of a kind that is not taken");
  return kind;
}

/** RFC 8693 section 2.1. */
export function exchangeRequest(form: Form, shown: Shown): Uint8Array {
  const message = create(ExchangeTokenRequestSchema, {
    client: { ...confidential(shown) },
    subjectToken: needed(form, "subject_token"),
    subjectTokenKind: kindOf(form, "subject_token_type"),
    actorToken: form.get("actor_token") ?? "",
    actorTokenKind: kindOf(form, "actor_token_type"),
    audience: audienceOf(form),
    scopes: scopesOf(form),
  });
  needed(form, "subject_token_type");
  const wanted = form.get("requested_token_type") ?? accessTokenType;
  if (wanted !== accessTokenType) throw invalidField("requested_token_type", "is of a kind that is not given");
  return toBinary(ExchangeTokenRequestSchema, message);
}

/** RFC 7662 section 2.1. The hint changes nothing: tokens tell their kind. */
export function introspectRequest(form: Form): Uint8Array {
  return toBinary(IntrospectRequestSchema, create(IntrospectRequestSchema, { token: needed(form, "token") }));
}

/** RFC 7009 section 2.1. */
export function revokeRequest(form: Form): Uint8Array {
  return toBinary(RevokeRequestSchema, create(RevokeRequestSchema, { token: needed(form, "token") }));
}
