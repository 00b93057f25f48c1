// AuthService.Login. Whatever is wrong with a login, it costs one look-up and one hashing and gives one answer.
import { create } from "@bufbuild/protobuf";
import {
  type AuthService,
  type LoginRequest,
  LoginResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { audienceWithin, builtInClient, scopesWithin } from "../../kernel/client-bounds.ts";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import { normaliseLoginName } from "../../kernel/login-name.ts";
import type { Client, Clients, Standings } from "../../kernel/ports.ts";
import type { Standing } from "../../kernel/principal.ts";
import type { Binding, Macs, SubjectKeys } from "../../kernel/sealing.ts";
import type { Sessions } from "../../kernel/sessions.ts";
import { loginNameParts } from "../domain/login-name-index.ts";
import { isScopeName } from "../domain/scope-name.ts";
import { lookupMacs } from "../lookup-macs.ts";
import type { Passwords, StoredPassword } from "../password/passwords.ts";
import { preparePasswordSession } from "./first-session.ts";
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
  readonly clients: Clients;
}

function loginFailed(auditReason: string): GatehouseError {
  return new GatehouseError("LOGIN_FAILED", { auditReason });
}

function requireScopeNames(scopes: readonly string[]): void {
  const wrong = scopes.findIndex((scope) => !isScopeName(scope));
  if (wrong >= 0) throw invalidField(`scopes[${wrong}]`, "must be the name of a permission, or *");
}

/** Undefined = the built-in one. Throws CLIENT_INVALID, CLIENT_NOT_ALLOWED. */
async function clientOf(clients: Clients, request: LoginRequest, now: Date): Promise<Client | undefined> {
  const { clientId, clientSecret } = request;
  if ((clientId === "" || clientId === builtInClient) && clientSecret === "") return undefined;
  const client = await clients.authenticate(clientId, clientSecret, now);
  if (!client.logins) throw new GatehouseError("CLIENT_NOT_ALLOWED");
  return client;
}

/** Audience and scopes within what the client may have. Throws REQUEST_INVALID, AUDIENCE_UNKNOWN, SCOPE_EXCEEDS_GRANT. */
function boundsOf(client: Client | undefined, { audience, scopes }: LoginRequest) {
  if (client !== undefined) return { audience: audienceWithin(client, audience), scopes: scopesWithin(client, scopes) };
  requireScopeNames(scopes);
  return { audience, scopes };
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

/** Of the generation that the password was read with: a session of the next one would outlive the change of its password. */
async function requireActive(standings: Standings, credential: Credential): Promise<Standing> {
  const standing = credential.active ? await standings.fresh(credential.principalId) : undefined;
  if (standing?.active !== true) throw loginFailed("PRINCIPAL_DISABLED");
  if (standing.generation !== credential.generation) throw loginFailed("REVOKED_MEANWHILE");
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
  const { passwords, standings, subjectKeys, sessions, clients } = deps;
  return async (request, call) => {
    call.audit.personal.loginName = request.loginName;
    // Before anything of the person is looked at: whose application this is tells nothing of who knocks.
    const client = await clientOf(clients, request, call.now);
    const bounds = boundsOf(client, request);
    const { deviceName, password } = request;
    const credential = await verify(deps, request.loginName, password, call);
    const standing = await requireActive(standings, credential);
    const { principalId } = credential;
    const seal = async (binding: Binding, plaintext: Uint8Array) =>
      (await subjectKeys.seal(principalId, binding, plaintext)).sealed;
    const session = await preparePasswordSession(sessions, { standing, client, ...bounds, deviceName, seal }, call);
    const renewed = await renewal(passwords, credential, password, call);
    const { tokens } = session;
    const person = { id: principalId, sessionId: tokens.sessionId, clientId: client?.id ?? builtInClient };
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
