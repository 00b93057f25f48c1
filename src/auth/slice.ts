// The Auth slice: who people are, how they prove it, and what they may do.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { DirectoryService } from "@gatehouse/proto/gatehouse/auth/v1/directory_service_pb.js";
import { GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { SessionService } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import type { AccessConditions } from "../kernel/access-rule.ts";
import type { Contracts } from "../kernel/contracts.ts";
import type { FeedEvent, Reader } from "../kernel/database.ts";
import { bindService, type ServiceBinding } from "../kernel/handler.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Observer } from "../kernel/observer.ts";
import type { Ownership } from "../kernel/ports.ts";
import type { InstallationSealer, Macs, PageTokens, SubjectKeys } from "../kernel/sealing.ts";
import type { Sessions } from "../kernel/sessions.ts";
import type { Sweep } from "../kernel/sweep.ts";
import type { UnitOfWork } from "../kernel/unit-of-work.ts";
import { createBootstrap } from "./auth/bootstrap.ts";
import { type BootstrapTokens, createBootstrapTokens } from "./auth/bootstrap-token.ts";
import { createChangePassword } from "./auth/change-password.ts";
import { createLogin } from "./auth/login.ts";
import { createLogout } from "./auth/logout.ts";
import { createNewcomers } from "./auth/newcomer.ts";
import { createRegister, type RegistrationMode } from "./auth/register.ts";
import { createTokenFile } from "./auth/token-file.ts";
import { createWhoAmI } from "./auth/who-am-i.ts";
import { bindClientService } from "./client/service.ts";
import type { CredentialChecks } from "./credential-checks.ts";
import { createCreateInvitation } from "./directory/create-invitation.ts";
import type { ClientBounds } from "./domain/client-rules.ts";
import type { Argon2Cost } from "./domain/phc.ts";
import { createCreateGrant } from "./grant/create-grant.ts";
import { createCreateRole } from "./grant/create-role.ts";
import { createDeleteGrant } from "./grant/delete-grant.ts";
import { createDeleteRole } from "./grant/delete-role.ts";
import { createExplainAccess } from "./grant/explain-access.ts";
import { createListGrants } from "./grant/list-grants.ts";
import { createListRoles } from "./grant/list-roles.ts";
import { createUpdateRole } from "./grant/update-role.ts";
import type { KnownClients } from "./known-clients/known-clients.ts";
import { createPasswordHasher } from "./password/hasher.ts";
import { meterHasher } from "./password/metered-hasher.ts";
import { createPasswords } from "./password/passwords.ts";
import { createStrengthEstimator } from "./password/strength.ts";
import { bindServiceAccountService } from "./service-account/service.ts";
import { createListSessions } from "./session/list-sessions.ts";
import { createRevokeSession } from "./session/revoke-session.ts";
import { generations } from "./standing/generations.ts";
import { createOwnership } from "./standing/ownership.ts";
import type { StandingCache } from "./standing/standings.ts";

export interface AuthSettings {
  readonly registration: RegistrationMode;
  readonly passwordMinLength: number;
  readonly argon2: Argon2Cost;
  /** 0 = half of the cores, at least one. */
  readonly loginLanes: number;
  readonly loginQueue: number;
  readonly loginNiceness: number;
  readonly dataDir: string;
  readonly clients: ClientBounds;
}

export interface AuthSliceDeps extends Observer {
  readonly settings: AuthSettings;
  readonly reader: Reader;
  readonly unitOfWork: UnitOfWork;
  readonly macs: Macs;
  readonly sealer: InstallationSealer;
  readonly subjectKeys: SubjectKeys;
  readonly pageTokens: PageTokens;
  readonly sessions: Sessions;
  /** Made before the slice, because Token needs it and the slice needs Token. */
  readonly standings: StandingCache;
  /** Likewise. */
  readonly clients: KnownClients;
  /** Likewise. */
  readonly machines: CredentialChecks;
  readonly logger: Logger;
  readonly contracts: Contracts;
  readonly access: AccessConditions;
}

export interface AuthSlice {
  readonly bindings: readonly ServiceBinding[];
  readonly ownership: Ownership;
  readonly sweeps: readonly Sweep[];
  onFeed(events: readonly FeedEvent[]): void;
  /** At start: the path of the bootstrap token's file, when no administrator exists. */
  ensureBootstrapToken: BootstrapTokens["ensure"];
  /** Lets passwords in the lane finish, then ends its threads. */
  close(): Promise<void>;
}

const tidyEveryMs = 60_000;

/** What `gatehouse admin recover` needs of the slice, and no more. */
export function createAdministratorRecovery(
  deps: Pick<AuthSliceDeps, "reader" | "unitOfWork" | "macs"> & { readonly dataDir: string },
): BootstrapTokens {
  return createBootstrapTokens({ ...deps, file: createTokenFile(deps.dataDir) });
}

function createLanes(settings: AuthSettings, observer: Observer) {
  const { argon2: cost, loginLanes: lanes, loginQueue: queue, loginNiceness: niceness } = settings;
  const hasher = meterHasher(createPasswordHasher({ cost, lanes, queue, niceness }), observer);
  const strength = createStrengthEstimator({ queue, niceness });
  return { hasher, strength };
}

function bind(deps: AuthSliceDeps, tokens: BootstrapTokens, lanes: ReturnType<typeof createLanes>): ServiceBinding[] {
  const { settings } = deps;
  const passwords = createPasswords({ ...deps, ...lanes, minLength: settings.passwordMinLength });
  const prepareNewcomer = createNewcomers({ ...deps, passwords });
  return [
    bindService(AuthService, {
      bootstrap: createBootstrap({ ...deps, tokens, prepareNewcomer }),
      register: createRegister({ ...deps, mode: settings.registration, prepareNewcomer }),
      login: createLogin({ ...deps, passwords }),
      logout: createLogout(deps),
      whoAmI: createWhoAmI(),
      changePassword: createChangePassword({ ...deps, passwords, generations }),
    }),
    bindService(SessionService, {
      listSessions: createListSessions(deps),
      revokeSession: createRevokeSession(deps),
    }),
    bindService(DirectoryService, { createInvitation: createCreateInvitation(deps) }),
    bindService(GrantService, {
      createGrant: createCreateGrant(),
      deleteGrant: createDeleteGrant(),
      listGrants: createListGrants(deps),
      createRole: createCreateRole(deps),
      updateRole: createUpdateRole(deps),
      deleteRole: createDeleteRole(),
      listRoles: createListRoles(deps),
      explainAccess: createExplainAccess(deps),
    }),
    bindClientService({ ...deps, bounds: settings.clients }),
    bindServiceAccountService({ ...deps, issuers: deps.machines.issuers }),
  ];
}

export function createAuthSlice(deps: AuthSliceDeps): AuthSlice {
  const tokens = createAdministratorRecovery({ ...deps, dataDir: deps.settings.dataDir });
  const lanes = createLanes(deps.settings, deps);
  return {
    bindings: bind(deps, tokens, lanes),
    ownership: createOwnership(),
    sweeps: [
      { name: "bootstrap-token-file", everyMs: tidyEveryMs, run: (now) => tokens.tidy(now) },
      ...deps.machines.sweeps,
      ...deps.clients.sweeps,
    ],
    onFeed: (events) => {
      deps.standings.onFeed(events);
      deps.clients.onFeed(events);
      deps.machines.onFeed(events);
    },
    ensureBootstrapToken: (now) => tokens.ensure(now),
    close: async () => {
      await Promise.all([lanes.hasher.close(), lanes.strength.close(), deps.machines.close(), deps.clients.close()]);
    },
  };
}
