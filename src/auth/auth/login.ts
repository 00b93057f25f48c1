// AuthService.Login. Whatever is wrong with a login, it costs one look-up and one hashing and gives one answer.
import { create } from "@bufbuild/protobuf";
import { type AuthService, LoginResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import { normaliseLoginName } from "../../kernel/login-name.ts";
import type { Sessions, Standings } from "../../kernel/ports.ts";
import type { Standing } from "../../kernel/principal.ts";
import type { Binding, Macs, SubjectKeys } from "../../kernel/sealing.ts";
import { loginNameParts } from "../domain/login-name-index.ts";
import { isScopeName } from "../domain/scope-name.ts";
import { lookupMacs } from "../lookup-macs.ts";
import type { Passwords, StoredPassword } from "../password/passwords.ts";
import { firstPartyClient, preparePasswordSession } from "./first-session.ts";
import { recordedAs } from "./recorded-as.ts";
import { type Credential, findCredential, replacePasswordForm } from "./store.ts";
import { tokenSetOf } from "./token-set.ts";

export interface LoginDeps {
  readonly reader: Reader;
  readonly macs: Macs;
  readonly passwords: Passwords;
  readonly standings: Standings;
  readonly subjectKeys: SubjectKeys;
  readonly sessions: Sessions;
}

function loginFailed(auditReason: string): GatehouseError {
  return new GatehouseError("LOGIN_FAILED", { auditReason });
}

function requireScopeNames(scopes: readonly string[]): void {
  const wrong = scopes.findIndex((scope) => !isScopeName(scope));
  if (wrong >= 0) throw invalidField(`scopes[${wrong}]`, "must be the name of a permission, or *");
}

/** The credential that the password is right for. The order matters: the hashing comes before anything is told. */
async function verify(deps: LoginDeps, loginName: string, password: string, call: Call): Promise<Credential> {
  const { reader, macs, passwords } = deps;
  const parts = loginNameParts(normaliseLoginName(loginName));
  const known = await findCredential(reader, lookupMacs(macs, "blind-index", parts));
  if (known !== undefined) call.audit.subjectId = known.principalId;
  const matches = await passwords.matches(known ?? passwords.decoy, password, call.signal);
  if (known === undefined) throw loginFailed("UNKNOWN_LOGIN_NAME");
  if (!matches) throw loginFailed("WRONG_PASSWORD");
  return known;
}

async function requireActive(standings: Standings, credential: Credential): Promise<Standing> {
  const standing = credential.active ? await standings.fresh(credential.principalId) : undefined;
  if (standing?.active !== true) throw loginFailed("PRINCIPAL_DISABLED");
  return standing;
}

/** A full lane costs the renewal, not the login: the next login tries again. */
async function renewal(passwords: Passwords, stored: StoredPassword, password: string, call: Call) {
  try {
    return await passwords.renew(stored, password, call.signal);
  } catch (error) {
    if (error instanceof GatehouseError && error.reason === "LOGIN_BUSY") return undefined;
    throw error;
  }
}

export function createLogin(deps: LoginDeps): UnaryHandler<typeof AuthService.method.login> {
  const { passwords, standings, subjectKeys, sessions } = deps;
  return async (request, call) => {
    call.audit.personal.loginName = request.loginName;
    requireScopeNames(request.scopes);
    const { audience, scopes, deviceName, password } = request;
    const credential = await verify(deps, request.loginName, password, call);
    const standing = await requireActive(standings, credential);
    const { principalId } = credential;
    const seal = async (binding: Binding, plaintext: Uint8Array) =>
      (await subjectKeys.seal(principalId, binding, plaintext)).sealed;
    const session = await preparePasswordSession(sessions, { standing, audience, scopes, deviceName, seal }, call);
    const renewed = await renewal(passwords, credential, password, call);
    const { tokens } = session;
    const person = { id: principalId, sessionId: tokens.sessionId, clientId: firstPartyClient };
    await recordedAs(call, person, () =>
      call.commit(async (tx) => {
        await session.store(tx);
        if (renewed !== undefined) await replacePasswordForm(tx, credential, renewed);
        call.audit.resources.push({ type: "session", uid: formatId("session", tokens.sessionId) });
        call.audit.details.password_renewed = renewed !== undefined;
        return {};
      }),
    );
    return create(LoginResponseSchema, {
      principalId: formatId("principal", principalId),
      outcome: { case: "tokens", value: tokenSetOf(tokens) },
    });
  };
}
