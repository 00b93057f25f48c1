// Writes that a crash may stop anywhere: the name holds the old bytes or the new ones, whole.
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFile, type Disk, disk, replaceFile } from "../../../../src/keys/local/durable-file.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-file-"));
  path = join(directory, "keys.json");
});
afterEach(() => rm(directory, { recursive: true }));

class Crash extends Error {}

/** A disk that stops for ever before its `last`th step, and notes the steps: what a killed process leaves behind. */
function dyingDisk(last: number): { on: Disk; steps: string[] } {
  const steps: string[] = [];
  const step = (name: string): void => {
    if (steps.length >= last) throw new Crash(name);
    steps.push(name);
  };
  const wrapped = async (...given: Parameters<Disk["open"]>) => {
    step("open");
    const file = await disk.open(...given);
    const { writeFile: write, sync } = file;
    file.writeFile = async (data) => {
      if (steps.length + 1 >= last) await write.call(file, Buffer.from("half"));
      step("write");
      return write.call(file, data);
    };
    file.sync = async () => {
      step("sync");
      return sync.call(file);
    };
    return file;
  };
  const on: Disk = {
    open: wrapped,
    link: async (from, to) => {
      step("link");
      return disk.link(from, to);
    },
    rename: async (from, to) => {
      step("rename");
      return disk.rename(from, to);
    },
    unlink: async (name) => {
      step("unlink");
      return disk.unlink(name);
    },
  };
  return { on, steps };
}

const oldBytes = Buffer.from("old bytes");
const newBytes = Buffer.from("new bytes, and more of them");

describe("durable file", () => {
  it("a crash at any step of a replacement leaves the old file or the new one", async () => {
    const seen = new Set<string>();
    for (let last = 0; last < 9; last += 1) {
      await writeFile(path, oldBytes);
      const { on, steps } = dyingDisk(last);
      const outcome = await replaceFile(path, newBytes, on).then(
        () => "done",
        () => "crashed",
      );
      const found = (await readFile(path)).toString();
      expect([oldBytes.toString(), newBytes.toString()], `after ${steps}`).toContain(found);
      if (outcome === "done") expect(found).toBe(newBytes.toString());
      seen.add(found);
    }
    expect(seen.size).toBe(2);
  });

  it("a crash at any step of a creation leaves no file or the whole one", async () => {
    for (let last = 0; last < 9; last += 1) {
      await rm(path, { force: true });
      await createFile(path, newBytes, dyingDisk(last).on).catch(() => undefined);
      const found = await readFile(path).catch(() => undefined);
      if (found !== undefined) expect(found).toEqual(newBytes);
    }
  });

  it("writes file and directory through to the disk, in the order that survives", async () => {
    const { on, steps } = dyingDisk(99);
    await replaceFile(path, newBytes, on);
    expect(steps).toEqual(["open", "write", "sync", "rename", "open", "sync", "unlink"]);
  });

  it("creation never replaces, and leaves nothing behind", async () => {
    await writeFile(path, oldBytes);
    await expect(createFile(path, newBytes)).rejects.toMatchObject({ code: "EEXIST" });
    expect(await readFile(path)).toEqual(oldBytes);
    expect(await readdir(directory)).toEqual(["keys.json"]);
  });

  it("of two creations at once exactly one wins", async () => {
    const results = await Promise.allSettled([1, 2, 3, 4].map((n) => createFile(path, Buffer.from(`${n}`))));
    const winners = results.flatMap((result, at) => (result.status === "fulfilled" ? [`${at + 1}`] : []));
    expect([(await readFile(path)).toString()]).toEqual(winners);
  });

  it("only the owner may read what is written", async () => {
    await createFile(path, newBytes);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await replaceFile(path, oldBytes);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });
});
