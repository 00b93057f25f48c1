// Reload: everything or nothing, on record before it has effect, one after the other.
import { describe, expect, it } from "vitest";
import { readSettings } from "../../src/config/load.ts";
import type { Config } from "../../src/config/schema.ts";
import { GatehouseError } from "../../src/kernel/errors.ts";
import { StartRefused } from "../../src/kernel/start-refused.ts";
import { createReload, follows, type ReloadPart } from "../../src/reload.ts";
import { createFakeLogger } from "../fakes/logger.ts";
import { createFakeUnitOfWork } from "../fakes/unit-of-work.ts";

const clock = { now: () => new Date("2026-11-21T10:00:00Z") };
const read = (env: Record<string, string>) => () => readSettings({ env, readFile: () => "" });
const louder = read({ GATEHOUSE_LOG_LEVEL: "debug" });

function configOf(env: Record<string, string> = {}): Config {
  const reading = read(env)();
  if ("problems" in reading) throw new Error("the settings of this test are wrong");
  return reading.config;
}

function world(...more: ReloadPart[]) {
  const logger = createFakeLogger();
  const unitOfWork = createFakeUnitOfWork();
  const levels: string[] = [];
  const parts = [follows(({ logLevel }) => void levels.push(logLevel)), ...more];
  const reload = createReload({ config: configOf(), parts, unitOfWork, clock, logger });
  return { reload, logger, unitOfWork, levels, last: () => logger.lines.at(-1) };
}

describe("a reload", () => {
  it("P-12 takes what changed, and is on record by names before it has effect", async () => {
    const { reload, unitOfWork, levels, last } = world();
    unitOfWork.beforeCommit = () => expect(levels).toEqual([]);
    await reload.take(louder);
    expect(levels).toEqual(["debug"]);
    expect(unitOfWork.committed).toMatchObject([
      {
        event: "config.reloaded",
        category: "SYSTEM",
        actor: { kind: "system" },
        details: { changed: ["GATEHOUSE_LOG_LEVEL"] },
      },
    ]);
    expect(last()).toMatchObject({ level: "info", message: "reloaded", fields: { changed: ["GATEHOUSE_LOG_LEVEL"] } });
  });

  it("of what is in force already records and changes nothing", async () => {
    const { reload, unitOfWork, levels, last } = world();
    await reload.take(louder);
    await reload.take(louder);
    expect(unitOfWork.committed).toHaveLength(1);
    expect(levels).toEqual(["debug"]);
    expect(last()).toMatchObject({ message: "reloaded: nothing changed" });
  });

  it("takes the files of a part, with settings or without", async () => {
    const done: string[] = [];
    const changed = ["server certificate"];
    const { reload, unitOfWork } = world({ prepare: () => ({ changed, apply: () => void done.push("certificate") }) });
    await reload.take(read({}));
    expect(done).toEqual(["certificate"]);
    expect(unitOfWork.committed).toMatchObject([{ details: { changed } }]);
  });

  it.each<[string, ReloadPart["prepare"], string]>([
    ["refuses", () => Promise.reject(new StartRefused("the certificate has ended")), "the certificate has ended"],
    [
      "fails",
      () => {
        throw new Error("canary");
      },
      "an error that nobody expected",
    ],
  ])("that one part %s leaves every other as it was", async (_what, prepare, problem) => {
    const { reload, unitOfWork, levels, last } = world({ prepare });
    await reload.take(louder);
    expect(levels).toEqual([]);
    expect(unitOfWork.committed).toEqual([]);
    expect(last()).toMatchObject({ level: "error", fields: { problems: [problem] } });
  });

  it("that cannot be recorded does not happen, and may be asked for again", async () => {
    const { reload, unitOfWork, levels, last } = world();
    unitOfWork.beforeCommit = () => {
      throw new GatehouseError("DATABASE_UNAVAILABLE");
    };
    await reload.take(louder);
    expect(levels).toEqual([]);
    expect(last()).toMatchObject({ level: "error", message: "reload refused: everything stays as it was" });
    unitOfWork.beforeCommit = () => {};
    await reload.take(louder);
    expect(levels).toEqual(["debug"]);
  });

  it("of wrong settings tells every problem in one line and keeps everything", async () => {
    const { reload, levels, logger } = world();
    await reload.take(read({ GATEHOUSE_LOG_LEVEL: "canary", GATEHOUSE_DRAIN_GRACE: "canary" }));
    expect(levels).toEqual([]);
    expect(logger.lines).toHaveLength(1);
    const problems = ["GATEHOUSE_DRAIN_GRACE", "GATEHOUSE_LOG_LEVEL"].map((name) => expect.stringContaining(name));
    expect(logger.lines[0]?.fields).toMatchObject({ problems });
    expect(JSON.stringify(logger.lines)).not.toContain("canary");
  });

  it("names what must wait for a restart, every time", async () => {
    const { reload, last, unitOfWork } = world();
    for (const _again of [1, 2]) {
      await reload.take(read({ GATEHOUSE_DATABASE_POOL: "77" }));
      expect(last()).toMatchObject({ level: "warn", fields: { settings: ["GATEHOUSE_DATABASE_POOL"] } });
    }
    expect(unitOfWork.committed).toEqual([]);
  });

  it("waits for the one before it, however long that takes, and the last one asked wins", async () => {
    const { reload, levels, unitOfWork } = world();
    const gate = Promise.withResolvers<void>();
    let held = false;
    unitOfWork.beforeCommit = () => {
      if (held) return undefined;
      held = true;
      return gate.promise;
    };
    const first = reload.take(louder);
    const second = reload.take(read({ GATEHOUSE_LOG_LEVEL: "warn" }));
    const settled = await Promise.race([second.then(() => "second"), new Promise((resolve) => setImmediate(resolve))]);
    expect([settled, levels]).toEqual([undefined, []]);
    gate.resolve();
    await Promise.all([first, second, reload.take(read({ GATEHOUSE_LOG_LEVEL: "error" }))]);
    expect(levels).toEqual(["debug", "warn", "error"]);
  });

  it("under way is awaited by the stop, and none begins after it", async () => {
    const { reload, levels } = world();
    const gate = Promise.withResolvers<void>();
    const slow = world({ prepare: () => gate.promise.then(() => ({ changed: [], apply() {} })) });
    void slow.reload.take(louder);
    // The first has begun; the second comes too late.
    await Promise.resolve();
    const stopping = slow.reload.stop();
    void slow.reload.take(read({ GATEHOUSE_LOG_LEVEL: "error" }));
    gate.resolve();
    await stopping;
    expect(slow.levels).toEqual(["debug"]);
    await reload.stop();
    await reload.take(louder);
    expect(levels).toEqual([]);
  });
});
