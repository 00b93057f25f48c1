// What IssueToken and ExchangeToken have in common: what may be wished for of a token, and how it is handed out.
import { create } from "@bufbuild/protobuf";
import { type Duration, durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type IssuedToken, IssuedTokenSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Presentation } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { invalidField } from "../kernel/errors.ts";
import { parseId } from "../kernel/ids.ts";
import type { Confirmation } from "../kernel/principal.ts";
import type { AccessToken } from "./access-tokens.ts";

const clientId = /^[a-z][a-z0-9-]{1,62}$/;

/** Undefined = as long as may be. A wish for more is no mistake: the answer says how long the token lives. */
export function wantedLifetime(lifetime: Duration | undefined): number | undefined {
  if (lifetime === undefined) return undefined;
  const wanted = durationMs(lifetime);
  if (!(wanted >= 1000)) throw invalidField("lifetime", "must be a second or more");
  return wanted;
}

export function wantedMayAct(mayAct: string): string | undefined {
  if (mayAct === "") return undefined;
  if (!clientId.test(mayAct) && parseId("principal", mayAct) === undefined)
    throw invalidField("may_act", "must be the id of a client or of a principal");
  return mayAct;
}

export function presentationOf(confirmation: Confirmation | undefined): Presentation {
  return confirmation?.kind === "key" ? Presentation.DPOP : Presentation.BEARER;
}

export function issuedToken(
  token: AccessToken,
  { audience, scopes }: { readonly audience: string; readonly scopes: readonly string[] },
  confirmation: Confirmation | undefined,
): IssuedToken {
  return create(IssuedTokenSchema, {
    accessToken: token.text,
    accessTokenExpireTime: timestampFromDate(token.expiresAt),
    presentation: presentationOf(confirmation),
    scopes: [...scopes],
    audience,
  });
}
