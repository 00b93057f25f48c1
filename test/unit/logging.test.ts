// The log: one JSON object a line, and nothing in it that must not be printed.
import { describe, expect, it } from "vitest";
import type { Logger } from "../../src/kernel/logger.ts";
import { Secret } from "../../src/kernel/secret.ts";
import { createLogger } from "../../src/logging.ts";

const canary = "canary-41d7";

function capture(level: "debug" | "info" | "warn" | "error" = "info"): {
  readonly logger: Logger;
  readonly lines: string[];
} {
  const lines: string[] = [];
  const stream = { write: (line: string) => void lines.push(line) };
  return { logger: createLogger({ level, clock: { now: () => new Date(0) }, stream }), lines };
}

function logged(fields: Record<string, unknown>): Record<string, unknown> {
  const { logger, lines } = capture();
  logger.error(fields, "it happened");
  return JSON.parse(lines[0] ?? "{}");
}

describe("the log", () => {
  it("writes one JSON object a line, with the given clock's time", () => {
    expect(logged({ method: "a/b" })).toEqual({
      level: "error",
      time: "1970-01-01T00:00:00.000Z",
      method: "a/b",
      message: "it happened",
    });
  });

  it("keeps to its level", () => {
    const { logger, lines } = capture("warn");
    logger.info({}, "no");
    logger.warn({}, "yes");
    expect(lines).toHaveLength(1);
  });

  it("keeps hostile text on one line", () => {
    const { logger, lines } = capture();
    logger.info({ name: 'a\r\n{"level":"error"}\u2028\u001b[31m' }, "x");
    expect(lines[0]?.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("T-09 SEC-05 P-05 the log never prints", () => {
  it.each<[string, Record<string, unknown>]>([
    [
      "a field named like a secret",
      { password: canary, access_token: canary, clientSecret: canary, Authorization: canary, databaseUrl: canary },
    ],
    ["a nested one", { request: { metadata: [{ cookie: canary }] } }],
    ["a Secret", { value: new Secret(canary) }],
    ["bytes", { value: Buffer.from(canary), view: new Uint8Array(Buffer.from(canary)) }],
    ["a password in a connection string", { note: `cannot reach postgres://u:${canary}@h:5432/d` }],
    ["a bearer credential inside a text", { note: `sent Bearer ${canary}` }],
    ["a token inside a text", { note: `eyJhbGciOiJFUzI1NiJ9.${canary}.${canary}` }],
    ["a refresh or one-time token inside a text", { note: `of ghr_0123456789${canary} and ghi_0123456789${canary}` }],
    [
      "what a driver adds to its error",
      {
        err: Object.assign(new Error("x"), { detail: `Key (login)=(${canary})`, parameters: [canary] }),
        error_id: "1",
      },
    ],
    ["the message of an error that has no id", { err: new Error(canary, { cause: new Error(canary) }) }],
    [
      "a secret deep in an error's message",
      { err: new Error("x", { cause: new Error(`postgres://u:${canary}@h/d`) }), error_id: "1" },
    ],
  ])("%s", (_title, fields) => {
    const line = logged(fields);
    const text = JSON.stringify(line);
    expect(line).toHaveProperty("message", "it happened");
    expect(text).not.toContain(canary);
    expect(text).not.toContain(Buffer.from(canary).toString("base64"));
    expect(text).not.toContain([...Buffer.from(canary)].join(","));
  });
});

describe("an error in the log", () => {
  it("P-09 tells its cause under an error id, and there alone", () => {
    const err = Object.assign(new Error("outer", { cause: Object.assign(new Error("inner"), { code: "57P01" }) }), {
      reason: "INTERNAL",
    });
    expect(logged({ err, error_id: "e1" })).toMatchObject({
      err: { type: "Error", reason: "INTERNAL", message: "outer", cause: { message: "inner", code: "57P01" } },
    });
    expect(logged({ err })).toEqual(
      expect.objectContaining({ err: { type: "Error", reason: "INTERNAL", cause: { type: "Error", code: "57P01" } } }),
    );
  });

  it("may be its own cause, or anything at all", () => {
    const err = new Error("x");
    err.cause = err;
    expect(logged({ err, error_id: "1" })).toHaveProperty("err.cause.cause.type", "Error");
    for (const odd of [undefined, null, "text", 3, 4n, Symbol.iterator, () => 1])
      expect(logged({ err: odd })).toHaveProperty("message");
  });

  it("leaves names that speak about a secret readable", () => {
    expect(logged({ token_id: "t", secretPath: "a/b", tokenKind: "access", tokens: 3 })).toMatchObject({
      token_id: "t",
      secretPath: "a/b",
      tokenKind: "access",
      tokens: "[redacted]",
    });
  });
});

describe("lines of calls", () => {
  function open(level: "info" | "warn" = "info") {
    const written: string[] = [];
    const stream = { write: (text: string) => void written.push(text) };
    const logger = createLogger({ level, clock: { now: () => new Date(0) }, stream });
    return { logger, written };
  }

  it("wait to be written together, and go before any other line", () => {
    const { logger, written } = open();
    logger.lines.write("one");
    logger.lines.write("two");
    expect(written).toEqual([]);
    logger.error({}, "three");
    expect(written).toHaveLength(2);
    expect(written[0]).toBe("one\ntwo\n");
    expect(JSON.parse(written[1] ?? "")).toMatchObject({ message: "three" });
  });

  it("are written when there are many, by themselves after a while, and at the end", async () => {
    const { logger, written } = open();
    for (let count = 0; count < 17; count++) logger.lines.write("x".repeat(1_000));
    expect(written).toHaveLength(1);
    logger.lines.write("last");
    logger.flush();
    expect(written.at(-1)).toBe("last\n");
    logger.flush();
    expect(written).toHaveLength(2);
    logger.lines.write("late");
    await expect.poll(() => written.at(-1), { timeout: 20_000 }).toBe("late\n");
  });

  it("P-10 follow the level, also when it changes while the server runs", () => {
    const { logger } = open("warn");
    const seen = [logger.lines.on];
    logger.level = "info";
    seen.push(logger.lines.on);
    logger.level = "error";
    seen.push(logger.lines.on);
    expect(seen).toEqual([false, true, false]);
  });
});
