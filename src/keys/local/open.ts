// The `local` key home: wrapping keys in one sealed file under the data directory, and signing keys in the database, sealed
// under them.
import { join } from "node:path";
import type { Clock } from "../../kernel/clock.ts";
import type { Secret } from "../../kernel/secret.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { FormerSigningKey, KeyWrapper, SigningKeyHome } from "../ports.ts";
import { type KeyDocument, newWrappingKeys, nextWrappingKey } from "./document.ts";
import { removeLeftovers } from "./durable-file.ts";
import { type KeyFile, openKeyFile } from "./key-file.ts";
import { loadMasterKey, type MasterKey } from "./master-key.ts";
import { accessRefused, ensurePrivateDirectory } from "./private-file.ts";
import { createLocalSigningHome, type LocalSigningHome } from "./signing-home.ts";
import { createLocalWrapper } from "./wrapper.ts";

export interface LocalHomeDeps {
  readonly dataDir: string;
  readonly masterKey: Secret<string> | undefined;
  readonly installationId: string;
  readonly clock: Clock;
  /** False when the database already holds keys wrapped by this home: a new key file could open none of them. */
  readonly mayCreate: boolean;
  /** For `gatehouse keys rotate-wrapping` alone: the file gets another version of the wrapping key first. Default: as it is. */
  readonly rotateWrapping?: boolean | undefined;
}

export interface LocalHome {
  readonly signing: SigningKeyHome;
  /** Signing keys that the file still holds. */
  readonly former: readonly FormerSigningKey[];
  /** Takes them out of the file, once they are in the database. */
  forgetFormer(): Promise<void>;
  readonly wrapper: KeyWrapper;
  readonly kek: { readonly id: string; readonly version: number };
  readonly masterKeyIsExternal: boolean;
  close(): void;
}

function formerKeys({ signing }: KeyDocument, home: LocalSigningHome): readonly FormerSigningKey[] {
  const kept = signing.filter((stored) => stored.state !== "destroyed");
  return kept.map((stored) => {
    const key = home.adopt(stored);
    if (key === undefined) throw new StartRefused("the key file holds a signing key that is not sound");
    return { key, createdAt: new Date(stored.createdAt), signs: stored.state === "active" };
  });
}

/** The file is whole before anything is wrapped under the new version, and holds the old ones, so the next start opens everything. */
async function rotate(
  deps: LocalHomeDeps,
  file: KeyFile,
  master: MasterKey,
  former: KeyDocument,
): Promise<KeyDocument> {
  const document = { ...former, wrapping: nextWrappingKey(former.wrapping, deps.clock.now()) };
  await file.replace(master, document);
  return document;
}

async function openDocument(deps: LocalHomeDeps, file: KeyFile, master: MasterKey): Promise<KeyDocument> {
  if (file.bytes !== undefined) {
    const document = file.decode(master, file.bytes);
    return deps.rotateWrapping === true ? await rotate(deps, file, master, document) : document;
  }
  return await file.create(master, { wrapping: newWrappingKeys(deps.clock.now()), signing: [] });
}

export async function openLocalHome(deps: LocalHomeDeps): Promise<LocalHome> {
  const directory = join(deps.dataDir, "keys");
  const path = join(directory, "keys.json");
  await ensurePrivateDirectory(directory);
  await removeLeftovers(directory, deps.clock.now()).catch((error: unknown) => {
    throw accessRefused("clean up", directory, error);
  });
  const file = await openKeyFile({ path, installationId: deps.installationId });
  if (file.bytes === undefined && !deps.mayCreate) {
    throw new StartRefused(
      `${path} is missing, but the database holds data that only its keys open: restore it from a backup`,
    );
  }
  const master = await loadMasterKey(deps.masterKey, join(directory, "master.key"), file.bytes === undefined);
  const document = await openDocument(deps, file, master);
  const wrapper = createLocalWrapper(document.wrapping, deps.installationId);
  const signing = createLocalSigningHome(document.wrapping, deps.installationId);
  const former = formerKeys(document, signing);
  if (former.length === 0) master.key.fill(0);
  return {
    signing,
    former,
    async forgetFormer() {
      if (former.length > 0) await file.replace(master, { ...document, signing: [] });
      master.key.fill(0);
    },
    wrapper,
    kek: { id: wrapper.kekId, version: wrapper.kekVersion },
    masterKeyIsExternal: master.external,
    close() {
      master.key.fill(0);
      wrapper.erase();
      signing.erase();
    },
  };
}
