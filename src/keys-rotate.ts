// `gatehouse keys rotate-wrapping`: another version of the local wrapping key, and every data key wrapped under it. Every server is
// stopped meanwhile. Killed at any point it leaves a file that opens everything, and may be run again.
import { layFoundation } from "./foundation.ts";
import { StartRefused } from "./kernel/start-refused.ts";
import { createRewrap } from "./keys/moving/rewrap.ts";
import { installationRows, subjectRows, valueRows } from "./keys/moving/store.ts";
import type { MoveKeysOptions } from "./keys-move.ts";
import { requireNoServer } from "./postgres/alone.ts";
import { wrappedSecretKeys } from "./secrets/wrapped-keys/store.ts";

function report(moved: number, left: number): string {
  const lines = [`wrapped ${moved} data keys under a new version of the local wrapping key`];
  if (left > 0) lines.push(`${left} did not open and were left as they are: they were damaged before`);
  lines.push(
    "the versions before stay in the key file: signing keys and backups of the database from before need them",
  );
  lines.push("back up the key file now: copies of it from before open nothing that is written from now on");
  return lines.join("\n");
}

/** Answers what was done. Throws StartRefused. */
export async function rotateWrapping({ config, logger, clock }: MoveKeysOptions): Promise<string> {
  if (config.keys !== "local")
    throw new StartRefused("GATEHOUSE_KEYS is not `local`: the wrapping key in Vault is rotated there");
  await using cleanup = new AsyncDisposableStack();
  const options = { config, logger, clock, onCommitted: () => {}, cleanup, rotateWrapping: true };
  const { database, keys, installationId, unitOfWork } = await layFoundation(options);
  const { reader } = database;
  // Again: one that started just before has the file of before, and could not open what follows.
  await requireNoServer(reader);
  const { wrapper } = keys;
  const rewrap = createRewrap({ wrapper, details: { home: "local" }, unitOfWork, clock, logger });
  let [moved, left] = [0, 0];
  for (const rows of [
    installationRows(reader, installationId),
    subjectRows(reader, installationId),
    valueRows(wrappedSecretKeys(reader), installationId),
  ]) {
    const done = await rewrap.rewrapAll(rows, "local-");
    moved += done.moved;
    left += done.left;
  }
  return report(moved, left);
}
