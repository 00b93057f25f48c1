// AuthService.Bootstrap: makes the first administrator, or with a recovery token another one.
import { create } from "@bufbuild/protobuf";
import { type AuthService, BootstrapResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import type { Transaction } from "../../kernel/database.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { formatId, uuidv7 } from "../../kernel/ids.ts";
import type { Logger } from "../../kernel/logger.ts";
import { anyPermission, type Standing } from "../../kernel/principal.ts";
import type { PreparedSession, Sessions } from "../../kernel/sessions.ts";
import { administratorRole, everything, standingChangeLivesMs } from "../domain/access-rules.ts";
import { insertGrant } from "../grant/store.ts";
import type { BootstrapTokens } from "./bootstrap-token.ts";
import { preparePasswordSession } from "./first-session.ts";
import { loginNameTaken, type Newcomer, type PrepareNewcomer } from "./newcomer.ts";
import { recordedAs } from "./recorded-as.ts";
import { tokenSetOf } from "./token-set.ts";

export interface BootstrapDeps {
  readonly tokens: BootstrapTokens;
  readonly prepareNewcomer: PrepareNewcomer;
  readonly sessions: Sessions;
  readonly logger: Logger;
}

/** What the database will know of the administrator once it is made. */
function futureStanding(principalId: string): Standing {
  return {
    principalId,
    kind: "person",
    active: true,
    generation: 1,
    roles: [administratorRole],
    grants: [{ permissions: new Set([anyPermission]), resource: everything, effect: "allow", expiresAt: undefined }],
  };
}

async function makeAdministrator(tx: Transaction, newcomer: Newcomer, session: PreparedSession, call: Call) {
  const grantId = uuidv7(call.now);
  await newcomer.store(tx);
  await insertGrant(tx, {
    id: grantId,
    principalId: newcomer.id,
    role: administratorRole,
    resource: everything,
    effect: "allow",
    expiresAt: undefined,
    now: call.now,
    createdBy: undefined,
  });
  await session.store(tx);
  const expiresAt = new Date(call.now.getTime() + standingChangeLivesMs);
  tx.announce({ kind: "principal", key: newcomer.id, expiresAt });
  call.audit.resources.push(
    { type: "principal", uid: formatId("principal", newcomer.id) },
    { type: "grant", uid: formatId("grant", grantId) },
  );
}

export function createBootstrap(deps: BootstrapDeps): UnaryHandler<typeof AuthService.method.bootstrap> {
  const { tokens, prepareNewcomer, sessions, logger } = deps;
  return async (request, call) => {
    call.audit.personal.loginName = request.loginName;
    const take = await tokens.check(request.bootstrapToken, call.now);
    const { loginName, password, deviceName } = request;
    const newcomer = await prepareNewcomer({ loginName, password, displayName: "" }, call.now, call.signal);
    const standing = futureStanding(newcomer.id);
    const wanted = { standing, client: undefined, audience: "", scopes: [], deviceName, seal: newcomer.seal };
    const session = await preparePasswordSession(sessions, wanted, call);
    const principalId = formatId("principal", newcomer.id);
    await recordedAs(call, newcomer, () =>
      call.commit(async (tx) => {
        call.audit.details.token = await take(tx);
        await makeAdministrator(tx, newcomer, session, call);
        return {};
      }),
    ).catch(loginNameTaken);
    // The administrator is made whether or not the file could be removed; the sweep tries again.
    await tokens.tidy(call.now).catch((err: unknown) => logger.warn({ err }, "the bootstrap token file still stands"));
    return create(BootstrapResponseSchema, { principalId, tokens: tokenSetOf(session.tokens) });
  };
}
