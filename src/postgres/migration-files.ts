// The numbered SQL files beside this one, with the checksums that tell whether one was changed after it was released.
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export interface Migration {
  readonly number: number;
  /** `0001_initial`, the file's name without its ending. */
  readonly name: string;
  /** SHA-256 of the file's bytes, in hexadecimal. */
  readonly checksum: string;
  readonly sql: string;
}

export const migrationsDirectory = fileURLToPath(new URL("./migrations", import.meta.url));
const fileName = /^(\d{4})_[a-z0-9_]+\.sql$/;

async function readMigration(directory: string, file: string, number: number): Promise<Migration> {
  const bytes = await readFile(`${directory}/${file}`);
  return {
    number,
    name: file.slice(0, -".sql".length),
    checksum: createHash("sha256").update(bytes).digest("hex"),
    sql: bytes.toString("utf8"),
  };
}

/** In order. Throws when the numbers do not run from 1 without a gap: the release is broken then. */
export async function readMigrations(directory: string): Promise<readonly Migration[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".sql")).sort();
  return Promise.all(
    files.map((file, index) => {
      const number = Number(fileName.exec(file)?.[1]);
      if (number !== index + 1) throw new Error(`the migration file ${file} is not number ${index + 1}`);
      return readMigration(directory, file, number);
    }),
  );
}
