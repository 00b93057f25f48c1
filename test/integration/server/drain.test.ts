// SIGTERM while work is in flight: health says so first, what was begun is finished and recorded, the process ends with 0
// and its database with it. A second SIGTERM does not wait.
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../../gen/ts/health/v1/health_pb.js";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";
import {
  administratorAccount,
  bootstrap,
  clientOf,
  databaseProcesses,
  type Installation,
  makeInstallation,
  visitorOf,
} from "./installation.ts";

const inFlight = 12;
/** For a line of slow hashes on a busy machine. */
const longestMs = 240_000;

describe("a server that is told to stop", () => {
  let installation: Installation;

  beforeEach(async () => {
    // One lane and slow hashes: logins wait in line, long enough to be in flight when the signal comes.
    installation = await makeInstallation({
      GATEHOUSE_LOGIN_LANES: "1",
      GATEHOUSE_ARGON2_ITERATIONS: "6",
      GATEHOUSE_DRAIN_GRACE: "5m",
      GATEHOUSE_DEADLINE_MAX: "5m",
    });
  });
  afterEach(() => installation[Symbol.asyncDispose]());

  const logIns = (visitor: Gatehouse, count: number) =>
    Array.from({ length: count }, () => visitor.auth.login({ ...administratorAccount }, { timeoutMs: longestMs }));

  /** What Watch tells, and how it ends. */
  async function watch(visitor: Gatehouse, told: Status[]): Promise<unknown> {
    const request = create(HealthCheckRequestSchema, { service: "" });
    try {
      for await (const { status } of visitor.client(Health).watch(request, { timeoutMs: longestMs })) told.push(status);
      return "ended";
    } catch (error) {
      return error;
    }
  }

  async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + 60_000;
    while (!(await holds())) {
      if (performance.now() > deadline) throw new Error("it did not come about");
      await pause(5);
    }
  }

  it("RPC-02 RPC-04 says NOT_SERVING, finishes what is in flight with its records, and exits with 0", {
    timeout: longestMs,
  }, async () => {
    const server = await installation.start();
    const visitor = visitorOf(server);
    const { tokens } = await bootstrap(installation.dataDir, visitor);
    const told: Status[] = [];
    const watching = watch(visitor, told);
    await until(() => told.length > 0);
    let answered = 0;
    const running = logIns(visitor, inFlight).map((login) =>
      login.then((answer) => {
        answered += 1;
        return answer.outcome.case;
      }),
    );
    await until(() => answered > 0);

    server.signal("SIGTERM");
    await until(() => told.length > 1);
    expect(told).toEqual([Status.SERVING, Status.NOT_SERVING]);
    expect(answered).toBeLessThan(inFlight);
    const newcomer = visitorOf(server);
    await expect(newcomer.auth.whoAmI({})).rejects.toThrow();

    expect(await Promise.all(running)).toEqual(Array.from({ length: inFlight }, () => "tokens"));
    // The grace is five minutes: it ends because all is done, the watcher included.
    await watching;
    expect(await server.ended).toMatchObject({ code: 0, signal: null });
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
    expect((await server.ended).stderr).not.toMatch(/"level":"(error|warn)"(?!.*nobody)/);

    const again = await installation.start();
    const auditor = clientOf(again, tokens.accessToken);
    const { events } = await auditor.audit.queryEvents({ filter: { event: "authn.login" }, pageSize: 100 });
    expect(events).toHaveLength(inFlight);
  });

  it("ends at once at a second SIGTERM, and the next start has everything that was acknowledged", {
    timeout: longestMs,
  }, async () => {
    const server = await installation.start();
    const visitor = visitorOf(server);
    const { tokens } = await bootstrap(installation.dataDir, visitor);
    const told: Status[] = [];
    void watch(visitor, told);
    await until(() => told.length > 0);
    let answered = 0;
    const logins = logIns(visitor, 41);
    for (const login of logins)
      login.then(
        () => {
          answered += 1;
        },
        () => undefined,
      );
    const running = Promise.allSettled(logins);
    await until(() => answered > 0);
    server.signal("SIGTERM");
    await until(() => told.length > 1);
    // Nearer together they would be one wish: Ctrl-C reaches the process twice under npm. From when the first was heard.
    await pause(700);
    server.signal("SIGTERM");
    expect(await server.ended).toMatchObject({ code: 143, signal: null });
    const outcomes = await running;
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);

    const again = await installation.start();
    const { events } = await clientOf(again, tokens.accessToken).audit.queryEvents({
      filter: { event: "authn.login" },
      pageSize: 100,
    });
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(answered);
    expect(events.length).toBeGreaterThanOrEqual(answered);
    expect(await again.stop()).toMatchObject({ code: 0 });
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });

  it("takes Ctrl-C for the same wish, told twice at once", async () => {
    const server = await installation.start();
    server.signal("SIGINT");
    server.signal("SIGINT");
    expect(await server.ended).toMatchObject({ code: 0 });
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });
});
