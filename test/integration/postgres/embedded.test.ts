// The embedded server through real processes: first start, second process, kill -9 at any moment, and bad directories.
import { spawn } from "node:child_process";
import { appendFile, chown, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layoutOf } from "../../../src/postgres/embedded/layout.ts";
import { readPidFile, stopPostmaster } from "../../../src/postgres/embedded/postmaster.ts";
import { makeDataDirectory } from "../../fixtures/data-directory.ts";
import { type Holder, holdEmbedded } from "../../fixtures/embedded-holder.ts";

// Beside busy processes some of these take 24 s.
describe("embedded server", { timeout: 180_000 }, () => {
  let parent: string;
  let directory: string;
  const holders: Holder[] = [];

  beforeEach(async () => {
    parent = await realpath(await makeDataDirectory("gh-embedded-"));
    directory = join(parent, "data");
  });
  afterEach(async () => {
    for (const holder of holders.splice(0)) await holder.kill();
    await stopPostmaster(layoutOf(directory));
    await rm(parent, { recursive: true, force: true });
  });

  function hold(at = directory, patience: readonly string[] = []): Holder {
    const holder = holdEmbedded(at, patience);
    holders.push(holder);
    return holder;
  }

  const mode = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);
  const postmaster = async (): Promise<number> => (await readPidFile(layoutOf(directory)))?.pid ?? 0;

  /** Its database has a table to find again. */
  async function holdKept(): Promise<Holder> {
    const holder = hold();
    await holder.next();
    await holder.ask("create table kept as select 1 as value");
    return holder;
  }

  async function killWithServer(holder: Holder): Promise<void> {
    const pid = await postmaster();
    // In this order, or the process would start it again.
    await holder.kill();
    process.kill(pid, "SIGKILL");
  }

  it("makes a database that only its owner can reach, keeps it, and stops cleanly", async () => {
    const first = hold();
    expect(await first.next()).toEqual({ adopted: false });
    const layout = layoutOf(directory);
    expect(await mode(directory)).toBe("700");
    expect(await mode(layout.home)).toBe("700");
    expect(await mode(layout.cluster)).toBe("700");
    expect(await mode(layout.credentials)).toBe("600");
    expect(await mode(layout.log)).toBe("600");
    const secrets = Object.values(JSON.parse(await readFile(layout.credentials, "utf8")) as Record<string, string>);
    expect(new Set(secrets).size).toBe(3);
    for (const secret of secrets) expect(secret.length).toBeGreaterThanOrEqual(43);
    expect(
      await first.ask(
        "select name, setting from pg_settings where name in ('listen_addresses', 'fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums') order by 1",
      ),
    ).toEqual([
      { name: "data_checksums", setting: "on" },
      { name: "fsync", setting: "on" },
      { name: "full_page_writes", setting: "on" },
      { name: "listen_addresses", setting: "" },
      { name: "synchronous_commit", setting: "on" },
    ]);
    await first.ask("create table kept as select 1 as value");
    await first.stop();
    expect(await readPidFile(layout)).toBeUndefined();
    const second = hold();
    expect(await second.next()).toEqual({ adopted: false });
    expect(await second.ask("select value from kept")).toEqual([{ value: 1 }]);
  });

  it("SEC-05 the server gets nothing of our environment, and its log holds no statement and no value", async () => {
    const holder = hold();
    await holder.next();
    const pid = await postmaster();
    expect(await readFile(`/proc/${pid}/environ`, "utf8")).not.toContain("canary-in-the-environment");
    const secrets = Object.values(
      JSON.parse(await readFile(layoutOf(directory).credentials, "utf8")) as object,
    ) as string[];
    for (const secret of secrets) expect(await readFile(`/proc/${pid}/cmdline`, "utf8")).not.toContain(secret);
    await holder.ask("create table person (name text primary key)");
    await holder.ask("insert into person values ('canary-value')");
    await holder.ask("insert into person values ('canary-value')");
    await holder.ask("select 'canary-value'::integer");
    await holder.ask("select canary_column from person");
    await holder.stop();
    expect(await readFile(layoutOf(directory).log, "utf8")).not.toContain("canary");
  });

  it("is in a process group of its own, so that Ctrl-C reaches us alone", async () => {
    const holder = hold();
    await holder.next();
    const pid = await postmaster();
    const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /, "").split(" ");
    expect(Number(fields[2])).toBe(pid);
  });

  it("refuses a second process with one sentence that names the first", async () => {
    const first = hold();
    await first.next();
    const second = hold();
    expect(await second.next()).toEqual({
      refused: `the data directory ${directory} is in use by the process ${first.child.pid}`,
    });
    expect(await first.ask("select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("lets exactly one of several first starts have the directory", async () => {
    const all = [hold(), hold(), hold()];
    const said = await Promise.all(all.map((holder) => holder.next()));
    const winners = all.filter((_, index) => said[index]?.adopted !== undefined);
    expect(winners).toHaveLength(1);
    for (const line of said) {
      if (line?.refused === undefined) continue;
      // The winner has the lock a moment before its process id is to be read.
      const named = `(the process ${winners[0]?.child.pid}|another process)`;
      expect(line.refused).toMatch(new RegExp(`^the data directory ${directory} is in use by ${named}$`));
    }
    expect((await readdir(directory)).sort()).toEqual(["lock", "lock.pid", "postgres"]);
  });

  it("adopts the server that a killed process left, and loses nothing", async () => {
    const first = await holdKept();
    const pid = await postmaster();
    await first.kill();
    const second = hold();
    expect(await second.next()).toEqual({ adopted: true });
    expect(await postmaster()).toBe(pid);
    expect(await second.ask("select value from kept")).toEqual([{ value: 1 }]);
    await second.stop();
    expect(await readPidFile(layoutOf(directory))).toBeUndefined();
  });

  it("recovers when process and server were both killed", async () => {
    const first = await holdKept();
    await killWithServer(first);
    const second = hold();
    expect(await second.next()).toEqual({ adopted: false });
    expect(await second.ask("select value from kept")).toEqual([{ value: 1 }]);
  });

  it("starts the server again when it dies under us", async () => {
    const first = await holdKept();
    process.kill(await postmaster(), "SIGKILL");
    await expect.poll(() => first.ask("select value from kept"), { timeout: 40_000 }).toEqual([{ value: 1 }]);
    const second = hold();
    expect((await second.next())?.refused).toMatch(/is in use by the process/);
  });

  it("is not confused by a process id that belongs to another process now", async () => {
    const first = hold();
    await first.next();
    const pidFile = join(layoutOf(directory).cluster, "postmaster.pid");
    const old = await readFile(pidFile, "utf8");
    const { uid, gid } = await stat(pidFile);
    await first.stop();
    const stranger = spawn("sleep", ["60"], { uid, gid });
    try {
      await writeFile(pidFile, old.replace(/^\d+/, String(stranger.pid)));
      await chown(pidFile, uid, gid);
      const second = hold();
      expect(await second.next()).toEqual({ adopted: false });
      expect(stranger.exitCode).toBeNull();
      await second.stop();
    } finally {
      stranger.kill("SIGKILL");
    }
  });

  it("stops an orphan that does not answer, and starts it anew", async () => {
    const first = await holdKept();
    const pid = await postmaster();
    process.kill(pid, "SIGSTOP");
    await first.kill();
    const second = hold(directory, ["4000", "2000"]);
    expect(await second.next()).toEqual({ adopted: false });
    expect(await second.ask("select value from kept")).toEqual([{ value: 1 }]);
    expect(await postmaster()).not.toBe(pid);
  });

  it("waits for a recovery that takes longer than all its patience", async () => {
    const first = await holdKept();
    await killWithServer(first);
    const { cluster } = layoutOf(directory);
    const { uid, gid } = await stat(join(cluster, "postgresql.conf"));
    await appendFile(join(cluster, "postgresql.auto.conf"), "restore_command = 'sleep 13; false'\n");
    await writeFile(join(cluster, "recovery.signal"), "");
    await chown(join(cluster, "recovery.signal"), uid, gid);
    const begun = performance.now();
    const second = hold(directory, ["2500", "500"]);
    expect(await second.next()).toEqual({ adopted: false });
    expect(performance.now() - begun).toBeGreaterThan(4 * (2500 + 500));
    expect(await second.ask("select value from kept")).toEqual([{ value: 1 }]);
  });

  it("does a first start again that was killed at any moment", async () => {
    for (const afterMs of [100, 200, 300, 400, 500, 600, 700, 800, 900]) {
      const killed = hold();
      await new Promise((resume) => setTimeout(resume, afterMs));
      await killed.kill();
    }
    const holder = hold();
    expect((await holder.next())?.adopted).toBeDefined();
    expect(await holder.ask("select 1 as one")).toEqual([{ one: 1 }]);
    expect((await readdir(directory)).sort()).toEqual(["lock", "lock.pid", "postgres"]);
  });

  it("reaches its socket in a data directory with a very long path", async () => {
    const long = join(directory, "a-long-name".repeat(15));
    const first = hold(long);
    expect(await first.next()).toEqual({ adopted: false });
    expect(await first.ask("select 1 as one")).toEqual([{ one: 1 }]);
    await first.stop();
  });
});
