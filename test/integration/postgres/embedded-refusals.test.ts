// Data directories that cannot be used: one clear sentence, nothing left running.
import { chmod, chown, mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layoutOf } from "../../../src/postgres/embedded/layout.ts";
import { readPidFile } from "../../../src/postgres/embedded/postmaster.ts";
import { makeDataDirectory } from "../../fixtures/data-directory.ts";
import { type Holder, holdEmbedded } from "../../fixtures/embedded-holder.ts";

describe("embedded server", () => {
  let parent: string;
  let directory: string;

  beforeEach(async () => {
    parent = await realpath(await makeDataDirectory("gh-refused-"));
    directory = join(parent, "data");
  });
  afterEach(() => rm(parent, { recursive: true, force: true }));

  const hold = (): Holder => holdEmbedded(directory);

  const refusals: Record<string, [string, () => Promise<unknown>]> = {
    "is a file": ["is not a directory", () => writeFile(directory, "")],
    "lies in a file": [
      "is not a directory",
      async () => {
        await writeFile(join(parent, "file"), "");
        directory = join(parent, "file", "data");
      },
    ],
    "can be written by others": [
      "can be written by other users: run chmod go-w on it",
      async () => {
        await mkdir(directory);
        await chmod(directory, 0o777);
      },
    ],
    "has unreadable passwords": [
      "cannot be read: restore the file from a backup",
      async () => {
        const holder = hold();
        await holder.next();
        await holder.stop();
        await writeFile(layoutOf(directory).credentials, '{"owner": "canary');
      },
    ],
    "has other passwords": [
      "does not take the passwords in",
      async () => {
        const holder = hold();
        await holder.next();
        await holder.stop();
        await writeFile(layoutOf(directory).credentials, '{"owner":"a","app":"b","log":"c"}');
      },
    ],
    "holds a database of another version": [
      "was made by PostgreSQL 17, and this release has 18",
      async () => {
        const holder = hold();
        await holder.next();
        await holder.stop();
        await writeFile(join(layoutOf(directory).cluster, "PG_VERSION"), "17\n");
      },
    ],
  };
  refusals["belongs to another user"] = [
    "belongs to another user",
    async () => {
      // Only root can give a directory away; everyone else finds one of root's.
      if (process.geteuid?.() !== 0) directory = "/usr";
      else {
        await mkdir(directory);
        await chown(directory, 12_345, 12_345);
      }
    },
  ];

  for (const [name, [sentence, arrange]] of Object.entries(refusals)) {
    it(`refuses a data directory that ${name}`, async () => {
      await arrange();
      const refused = (await hold().next())?.refused;
      expect(refused).toContain(sentence);
      expect(refused).not.toContain("canary");
      expect(refused).not.toContain("\n");
      expect(await readPidFile(layoutOf(directory))).toBeUndefined();
    });
  }
});
