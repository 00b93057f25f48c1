// The key that seals the local key file: given from outside the data directory, or made there at the first start.
import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import { decodeMasterKey, looksChosen, masterKeyForm } from "../../kernel/master-key.ts";
import type { Secret } from "../../kernel/secret.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import { createFile } from "./durable-file.ts";
import { accessRefused, isErrorCode, readPrivateFile } from "./private-file.ts";

const keyBytes = 32;

export interface MasterKey {
  readonly key: Buffer;
  /** Tells master keys apart for the operator, and says nothing about them. */
  readonly id: string;
  /** True when it comes from outside the data directory. */
  readonly external: boolean;
}

function parse(text: string, source: string): Buffer {
  const key = decodeMasterKey(text);
  if (key === undefined) throw new StartRefused(`${source} must hold ${masterKeyForm}`);
  if (looksChosen(key)) {
    throw new StartRefused(`${source} looks chosen rather than random: make one with \`openssl rand -base64 32\``);
  }
  return key;
}

function masterKey(key: Buffer, external: boolean): MasterKey {
  const id = createHmac("sha256", createSecretKey(key)).update("gatehouse/master-key-id/v1").digest("hex").slice(0, 16);
  return { key, id, external };
}

async function readKeyFile(path: string): Promise<MasterKey | undefined> {
  const bytes = await readPrivateFile(path);
  if (bytes === undefined) return undefined;
  return masterKey(parse(bytes.toString("latin1").trim(), path), false);
}

async function createKeyFile(path: string): Promise<MasterKey> {
  const key = randomBytes(keyBytes);
  try {
    await createFile(path, Buffer.from(`${key.toString("base64")}\n`, "latin1"));
  } catch (error) {
    const winner = isErrorCode(error, "EEXIST") ? await readKeyFile(path) : undefined;
    if (winner === undefined) throw accessRefused("write", path, error);
    return winner;
  }
  return masterKey(key, false);
}

/**
 * `given` wins over the file. The file is made only when `mayCreate`: with sealed keys there already, a new master key
 * could open nothing.
 */
export async function loadMasterKey(
  given: Secret<string> | undefined,
  path: string,
  mayCreate: boolean,
): Promise<MasterKey> {
  if (given !== undefined) return masterKey(parse(given.expose().trim(), "GATEHOUSE_MASTER_KEY"), true);
  const found = await readKeyFile(path);
  if (found !== undefined) return found;
  if (!mayCreate)
    throw new StartRefused(
      `${path} is missing and GATEHOUSE_MASTER_KEY is not set: give the master key that the keys were sealed with`,
    );
  return await createKeyFile(path);
}

/** Keys beside the data are good enough for one machine's own use, and for nothing else. */
export function refuseLocalKeysBeyondLoopback(listenIsLoopback: boolean, masterKeyIsExternal: boolean): void {
  if (listenIsLoopback || masterKeyIsExternal) return;
  throw new StartRefused(
    "listening beyond loopback with the master key inside the data directory is refused: set GATEHOUSE_MASTER_KEY from outside it",
  );
}
