// The `local` key home: wrapping and signing keys in one sealed file under the data directory.
import { join } from "node:path";
import type { Clock } from "../../kernel/clock.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { Secret } from "../../kernel/secret.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { KeyWrapper, Signer } from "../ports.ts";
import { type KeyDocument, newSigningKey, newWrappingKeys } from "./document.ts";
import { removeLeftovers } from "./durable-file.ts";
import { type KeyFile, openKeyFile } from "./key-file.ts";
import { loadMasterKey, type MasterKey } from "./master-key.ts";
import { accessRefused, ensurePrivateDirectory } from "./private-file.ts";
import { createLocalSigner } from "./signer.ts";
import { createLocalWrapper } from "./wrapper.ts";

export interface LocalHomeDeps {
  readonly dataDir: string;
  readonly masterKey: Secret<string> | undefined;
  readonly installationId: string;
  /** The first is the default; keys of missing ones are made. */
  readonly algorithms: readonly SignatureAlgorithm[];
  readonly clock: Clock;
  /** False when the database already holds keys wrapped by this home: a new key file could open none of them. */
  readonly mayCreate: boolean;
}

export interface LocalHome {
  readonly signer: Signer;
  readonly wrapper: KeyWrapper;
  readonly kek: { readonly id: string; readonly version: number };
  readonly masterKeyIsExternal: boolean;
  close(): void;
}

async function missingSigningKeys(deps: LocalHomeDeps, document: KeyDocument | undefined) {
  const present = document?.signing.filter((key) => key.state === "active").map((key) => key.algorithm) ?? [];
  const missing = deps.algorithms.filter((algorithm) => !present.includes(algorithm));
  return await Promise.all(missing.map((algorithm) => newSigningKey(algorithm, deps.clock.now())));
}

async function extend(
  deps: LocalHomeDeps,
  file: KeyFile,
  master: MasterKey,
  document: KeyDocument,
): Promise<KeyDocument> {
  const added = await missingSigningKeys(deps, document);
  if (added.length === 0) return document;
  const extended = { ...document, signing: [...document.signing, ...added] };
  await file.replace(master, extended);
  return extended;
}

async function create(deps: LocalHomeDeps, file: KeyFile, master: MasterKey): Promise<KeyDocument> {
  const signing = await missingSigningKeys(deps, undefined);
  const made = await file.create(master, { wrapping: newWrappingKeys(deps.clock.now()), signing });
  return await extend(deps, file, master, made);
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
  const document =
    file.bytes === undefined
      ? await create(deps, file, master)
      : await extend(deps, file, master, file.decode(master, file.bytes));
  master.key.fill(0);
  const wrapper = createLocalWrapper(document.wrapping, deps.installationId);
  return {
    signer: createLocalSigner(document.signing, deps.algorithms),
    wrapper,
    kek: { id: wrapper.kekId, version: wrapper.kekVersion },
    masterKeyIsExternal: master.external,
    close: () => wrapper.erase(),
  };
}
