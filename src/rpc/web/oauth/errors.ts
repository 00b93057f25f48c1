// A failure in the words of OAuth: the JSON of RFC 6749 section 5.2 with the error of whichever RFC names it, and beside it the
// reason, the code and the error id that every error of Gatehouse has.
import { fromBinary, type JsonObject } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { BadRequestSchema, ErrorInfoSchema } from "@gatehouse/proto/google/rpc/error_details_pb.js";
import { StatusSchema } from "@gatehouse/proto/google/rpc/status_pb.js";
import type { Reason } from "../../../kernel/errors.ts";
import type { Failure } from "../../chain.ts";
import { failureHeaders, httpStatusOf } from "../errors.ts";

interface Told {
  readonly error: string;
  readonly status: number;
}

const badRequest = (error: string): Told => ({ error, status: 400 });

const byReason: Partial<Readonly<Record<Reason, Told>>> = {
  // RFC 6749 section 5.2.
  REQUEST_INVALID: badRequest("invalid_request"),
  REQUEST_MALFORMED: badRequest("invalid_request"),
  METADATA_INVALID: badRequest("invalid_request"),
  REQUEST_TOO_LARGE: { error: "invalid_request", status: 413 },
  ENCODING_UNKNOWN: { error: "invalid_request", status: 415 },
  CLIENT_INVALID: { error: "invalid_client", status: 401 },
  CREDENTIAL_MISSING: { error: "invalid_client", status: 401 },
  CLIENT_NOT_ALLOWED: badRequest("unauthorized_client"),
  REFRESH_TOKEN_INVALID: badRequest("invalid_grant"),
  SCOPE_EXCEEDS_GRANT: badRequest("invalid_scope"),
  GRANT_TYPE_UNKNOWN: badRequest("unsupported_grant_type"),
  // RFC 8707 section 2.
  AUDIENCE_UNKNOWN: badRequest("invalid_target"),
  // RFC 8693 section 2.2.2.
  SUBJECT_TOKEN_INVALID: badRequest("invalid_request"),
  ACTOR_TOKEN_INVALID: badRequest("invalid_request"),
  ACTOR_NOT_ALLOWED: badRequest("invalid_request"),
  ACTOR_CHAIN_TOO_LONG: badRequest("invalid_request"),
  // RFC 9449 sections 5 and 8.
  PROOF_REQUIRED: badRequest("invalid_request"),
  PROOF_INVALID: badRequest("invalid_dpop_proof"),
  PROOF_NONCE_REQUIRED: badRequest("use_dpop_nonce"),
};

/** Fields of the requests behind the forms, where their being wrong has a name of its own. */
const byField: readonly (readonly [RegExp, Told])[] = [
  [/^scopes\b/, badRequest("invalid_scope")],
  [/^audience\b/, badRequest("invalid_target")],
];

interface Details {
  readonly code: string;
  readonly errorId: string;
  readonly fields: readonly { readonly field: string; readonly description: string }[];
}

function detailsOf({ status }: Failure): Details {
  const { details } = fromBinary(StatusSchema, status);
  const info = details.map((any) => anyUnpack(any, ErrorInfoSchema)).find((found) => found !== undefined);
  const bad = details.map((any) => anyUnpack(any, BadRequestSchema)).find((found) => found !== undefined);
  const { code = "", error_id: errorId = "" } = info?.metadata ?? {};
  return { code, errorId, fields: bad?.fieldViolations ?? [] };
}

function told(failure: Failure, [first]: Details["fields"], bearer: boolean): Told {
  const named = byField.find(([pattern]) => first !== undefined && pattern.test(first.field));
  if (named !== undefined) return named[1];
  const known = byReason[failure.reason];
  const status = httpStatusOf(failure);
  // A proof that goes with the caller's own token is judged as where any token is taken (RFC 9449 section 7.1).
  if (known !== undefined) return bearer && status === 401 ? { ...known, status } : known;
  if (status === 401) return { error: bearer ? "invalid_token" : "invalid_client", status };
  if (status === 403) return { error: "access_denied", status };
  if (status === 400) return badRequest("invalid_request");
  return { error: [429, 503, 504].includes(status) ? "temporarily_unavailable" : "server_error", status };
}

/** What RFC 6749 appendix A.8 allows in a description. */
const undescribable = /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g;

function describe({ message }: Failure, [first]: Details["fields"]): string {
  const text = first === undefined ? message : `${message}: ${first.field} ${first.description}`;
  return text.replaceAll(undescribable, "'");
}

const basicChallenge = 'Basic realm="gatehouse", charset="UTF-8"';

/** With other statuses a client would look for the error there, and not in the body. */
function challenged(status: number, challenge: string | undefined): Readonly<Record<string, string>> {
  return challenge !== undefined && (status === 401 || status === 403) ? { "www-authenticate": challenge } : {};
}

export interface OAuthError {
  readonly status: number;
  readonly value: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
}

/** `bearer`: the caller came with a token of its own and not as a client. */
export function oauthError(failure: Failure, bearer: boolean): OAuthError {
  const { code, errorId, fields } = detailsOf(failure);
  const { error, status } = told(failure, fields, bearer);
  const { "www-authenticate": challenge, ...headers } = failureHeaders(failure);
  return {
    status,
    value: { error, error_description: describe(failure, fields), reason: failure.reason, code, error_id: errorId },
    headers: { ...headers, ...challenged(status, bearer ? challenge : basicChallenge) },
  };
}
