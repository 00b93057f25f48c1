// `gatehouse keys migrate`: puts together what moving the keys to another home needs. Every server is stopped meanwhile.
import type { Config } from "./config/schema.ts";
import { layFoundation } from "./foundation.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import { StartRefused } from "./kernel/start-refused.ts";
import { createMove } from "./keys/moving/move.ts";
import type { Moved } from "./keys/moving/rewrap.ts";
import { installationRows, subjectRows, valueRows } from "./keys/moving/store.ts";
import type { MigrateKeysOptions } from "./keys-command.ts";
import { requireNoServer } from "./postgres/alone.ts";
import { wrappedSecretKeys } from "./secrets/wrapped-keys/store.ts";

export interface MoveKeysOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
}

type Home = Config["keys"];

function homeOf(text: string): Home {
  if (text === "local" || text === "vault") return text;
  throw new StartRefused("homes of keys are `local` and `vault`");
}

function direction({ from, to }: MigrateKeysOptions, config: Config): { readonly from: Home; readonly to: Home } {
  const asked = { from: homeOf(from), to: homeOf(to) };
  if (asked.from === asked.to) throw new StartRefused("keys move from one home to another");
  if (config.keys !== asked.to)
    throw new StartRefused(`set GATEHOUSE_KEYS=${to} first: the settings are those of the home that keys move to`);
  return asked;
}

function report({ moved, left }: Moved, { from, to }: { readonly from: Home; readonly to: Home }): string {
  const lines = [`moved ${moved} wrapped keys from ${from} to ${to}; a new signing key signs from now on`];
  if (left > 0) lines.push(`${left} did not open and were left as they are: they were damaged before`);
  if (from === "local")
    lines.push("backups of the database from before still need the local keys: keep a copy of them");
  return lines.join("\n");
}

/** Answers what was done. Throws StartRefused. */
export async function moveKeys(wish: MigrateKeysOptions, { config, logger, clock }: MoveKeysOptions): Promise<string> {
  const asked = direction(wish, config);
  await using cleanup = new AsyncDisposableStack();
  const onCommitted = () => {};
  const options = { config, logger, clock, onCommitted, cleanup, movingFrom: asked.from };
  const { database, keys, installationId, unitOfWork } = await layFoundation(options);
  const { reader } = database;
  const move = createMove({
    ...asked,
    wrapper: keys.wrapper,
    purposes: installationRows(reader, installationId),
    others: [subjectRows(reader, installationId), valueRows(wrappedSecretKeys(reader), installationId)],
    requireNoServer: () => requireNoServer(reader),
    unitOfWork,
    clock,
    logger,
  });
  return report(await move(), asked);
}
