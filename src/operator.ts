// What the operator's commands do beside serving. Like server.ts, this file sees everything; each function answers the
// text to print, or throws StartRefused with one clear sentence. What a command needs is loaded when it runs.
import type { ExplainQuestion } from "./cli.ts";
import type { Config } from "./config/schema.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import { StartRefused } from "./kernel/start-refused.ts";
import type { InitKeysOptions, MigrateKeysOptions } from "./keys-command.ts";

export interface OperatorOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
}

const ownerSetting = "GATEHOUSE_DATABASE_OWNER_URL";

/** `gatehouse migrate`: brings the schema up to date as its owner. */
export async function migrate({ config, logger, clock }: OperatorOptions): Promise<string> {
  const url = config.databaseOwnerUrl;
  if (url === undefined)
    throw new StartRefused(`${ownerSetting} is not set; the embedded database migrates itself when it is served`);
  const [schema, connections] = await Promise.all([
    import("./postgres/migrate.ts"),
    import("./postgres/connection.ts"),
  ]);
  const connection = connections.parseConnectionUrl(ownerSetting, url, config.databaseCaFile);
  const done = await schema.migrate({ connection, clock, logger });
  return done.length === 0 ? "the schema is up to date" : `migrated: ${done.join(", ")}`;
}

/** `gatehouse policy`: who may call each method, how often, and how it is audited. */
export async function describePolicy(config: Config): Promise<string> {
  const { policyPage } = await import("./policy-page.ts");
  return policyPage(config);
}

/** `gatehouse policy explain`: which rule decides about a method, and with a principal, for it. */
export async function explainPolicy(question: ExplainQuestion, options: OperatorOptions): Promise<string> {
  const { config, logger, clock } = options;
  const explain = await import("./policy-explain.ts");
  const now = clock.now();
  if (question.principal === undefined) return explain.explainPolicy(question, config, now, undefined);
  const { layFoundation } = await import("./foundation.ts");
  await using cleanup = new AsyncDisposableStack();
  const onCommitted = () => {};
  const { database } = await layFoundation({ config, logger, clock, onCommitted, cleanup });
  return await explain.explainPolicy(question, config, now, database.reader);
}

/** `gatehouse dev-certs`: certificates for trying things out. Needs no installation and reads no setting. */
export async function devCerts(
  { out, host }: { readonly out: string; readonly host: readonly string[] },
  clock: Clock,
): Promise<string> {
  const { makeDevCerts } = await import("./tls/dev-certs.ts");
  return makeDevCerts({ directory: out, hosts: host, now: clock.now() });
}

/** `gatehouse admin recover`: a new one-time token for the day all administrators are lost. */
export async function recoverAdmin({ config, logger, clock }: OperatorOptions): Promise<string> {
  const [{ layFoundation }, { createAdministratorRecovery }] = await Promise.all([
    import("./foundation.ts"),
    import("./auth/slice.ts"),
  ]);
  await using cleanup = new AsyncDisposableStack();
  const onCommitted = () => {};
  const { database, keys, unitOfWork } = await layFoundation({ config, logger, clock, onCommitted, cleanup });
  const { dataDir } = config;
  const tokens = createAdministratorRecovery({ reader: database.reader, unitOfWork, macs: keys.macs, dataDir });
  return `bootstrap token in ${await tokens.recover(clock.now())}; it works once and for one hour`;
}

/** `gatehouse keys init --home vault`: mount, policy and login in Vault, by an administrator of it. */
export async function initKeys(wish: InitKeysOptions, { config, logger }: OperatorOptions): Promise<string> {
  if (wish.home !== "vault") throw new StartRefused("--home is `vault`: local keys are made at the first start");
  const { initialiseVaultHome } = await import("./vault-link.ts");
  return await initialiseVaultHome(wish, config, logger);
}

/** `gatehouse keys rotate-wrapping`: another local wrapping key, and everything wrapped under it. */
export async function rotateWrappingKeys(options: OperatorOptions): Promise<string> {
  const { rotateWrapping } = await import("./keys-rotate.ts");
  return await rotateWrapping(options);
}

/** `gatehouse keys migrate local vault`: every wrapped key into the other home, and a signing key there. */
export async function migrateKeys(wish: MigrateKeysOptions, options: OperatorOptions): Promise<string> {
  const { moveKeys } = await import("./keys-move.ts");
  return await moveKeys(wish, options);
}
