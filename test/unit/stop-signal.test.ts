// What signals do to the process.
import { describe, expect, it } from "vitest";
import { createStopSignal } from "../../src/stop-signal.ts";

function setUp() {
  const listeners = new Map<string, () => void>();
  const exits: number[] = [];
  const clock = { ms: 0 };
  const signal = createStopSignal({
    on: (name, listener) => void listeners.set(name, listener),
    monotonic: () => clock.ms,
    exit: (code) => void exits.push(code),
  });
  return { signal, exits, clock, send: (name: "SIGTERM" | "SIGINT") => listeners.get(name)?.() };
}

describe("a signal", () => {
  it("asks for an orderly stop", async () => {
    const { signal, exits, send } = setUp();
    send("SIGTERM");
    await signal.requested;
    expect(exits).toEqual([]);
  });

  it("that arrives twice at once is one wish", () => {
    const { exits, clock, send } = setUp();
    send("SIGINT");
    clock.ms = 500;
    send("SIGINT");
    expect(exits).toEqual([]);
  });

  it("repeated later ends the process at once", () => {
    const { exits, clock, send } = setUp();
    send("SIGTERM");
    clock.ms = 501;
    send("SIGINT");
    expect(exits).toEqual([130]);
  });

  it("is not there before it came", async () => {
    const { signal } = setUp();
    expect(await Promise.race([signal.requested.then(() => "stop"), Promise.resolve("serving")])).toBe("serving");
  });
});
