// The keeper of a session's tokens, with a clock that the test owns and no wire.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTokenKeeper, type TokenKeeperDeps } from "../src/credentials/token-keeper.ts";
import type { Tokens } from "../src/credentials/tokens.ts";
import { makeError } from "../src/errors/kinds.ts";
import { storedTokens } from "./scripted-client.ts";

const life = 100_000;

function failure(reason: "REFRESH_TOKEN_INVALID" | "LOGIN_FAILED" | "UNREACHABLE" | "RATE_LIMITED") {
  return makeError({ message: "no", reason, grpcCode: 16 });
}

/** A session whose answers wait until the test lets them go. */
function start(given: Partial<TokenKeeperDeps> = {}, stored: Tokens | undefined = storedTokens(0, 1_000_000 + life)) {
  let now = 1_000_000;
  let made = 0;
  const presented: string[] = [];
  const saved: (Tokens | undefined)[] = [];
  const waiting: { succeed(): void; fail(error: unknown): void }[] = [];
  const keeper = createTokenKeeper({
    clock: { now: () => now },
    stored,
    open: undefined,
    refresh(refreshToken) {
      presented.push(refreshToken);
      return new Promise((resolve, reject) => {
        waiting.push({
          succeed() {
            made += 1;
            resolve(storedTokens(made, now + life));
          },
          fail: reject,
        });
      });
    },
    onTokens: (tokens) => void saved.push(tokens),
    ...given,
  });
  return {
    keeper,
    presented,
    saved,
    waiting,
    pass(ms: number) {
      now += ms;
    },
    /** Lets the oldest refresh go and its consequences happen. */
    async succeed() {
      waiting.shift()?.succeed();
      await settled();
    },
    async fail(error: unknown) {
      waiting.shift()?.fail(error);
      await settled();
    },
  };
}

const settled = () => new Promise(setImmediate);

describe("token", () => {
  it("is at hand at once, without a promise, while it is young", () => {
    const { keeper, presented } = start();
    expect(keeper.token()).toBe("access-0");
    expect(presented).toEqual([]);
  });

  it("refreshes ahead at 80 % of its life, and hands out the old one meanwhile", async () => {
    const session = start();
    session.pass(life * 0.8 - 1);
    session.keeper.token();
    expect(session.presented).toEqual([]);
    session.pass(1);
    expect(session.keeper.token()).toBe("access-0");
    expect(session.presented).toEqual(["refresh-0"]);
    await session.succeed();
    expect(session.keeper.token()).toBe("access-1");
  });

  it("F-02 N calls at once with a dead token make one refresh", async () => {
    const session = start();
    session.pass(life);
    const tokens = Promise.all(Array.from({ length: 100 }, () => session.keeper.token()));
    await session.succeed();
    expect(new Set(await tokens)).toEqual(new Set(["access-1"]));
    expect(session.presented).toEqual(["refresh-0"]);
  });

  it("N calls at once that were refused make one refresh, latecomers none", async () => {
    const session = start();
    session.pass(5_000);
    const renewed = Promise.all(Array.from({ length: 100 }, () => session.keeper.renew("access-0")));
    await session.succeed();
    expect(new Set(await renewed)).toEqual(new Set(["access-1"]));
    expect(await session.keeper.renew("access-0")).toBe("access-1");
    expect(session.presented).toEqual(["refresh-0"]);
  });
});

describe("a token that does not do", () => {
  it("keeps the token at hand when a refresh ahead fails, pauses, and tries again", async () => {
    const session = start();
    session.pass(life * 0.9);
    session.keeper.token();
    await session.fail(failure("UNREACHABLE"));
    expect(session.keeper.token()).toBe("access-0");
    expect(session.presented).toHaveLength(1);
    session.pass(5_000);
    expect(session.keeper.token()).toBe("access-0");
    expect(session.presented).toEqual(["refresh-0", "refresh-0"]);
  });

  it("fails the calls that wait when a refresh fails after the end, and tries again at the next call", async () => {
    const session = start();
    session.pass(life);
    const first = expect(session.keeper.token()).rejects.toMatchObject({ reason: "UNREACHABLE" });
    await session.fail(failure("UNREACHABLE"));
    await first;
    const second = session.keeper.token();
    await session.succeed();
    expect(await second).toBe("access-1");
  });

  it("trusts a token that seems dead on arrival until it is refused: the clock here is wrong, not the token", async () => {
    const session = start({ refresh: async () => storedTokens(1, 0) });
    session.pass(life);
    expect(await session.keeper.token()).toBe("access-1");
    session.pass(life * 10);
    expect(session.keeper.token()).toBe("access-1");
  });

  it("does not renew a token that was refused although it has just come", async () => {
    const session = start();
    session.pass(life);
    const token = session.keeper.token();
    await session.succeed();
    await token;
    expect(await session.keeper.renew("access-1")).toBeUndefined();
    session.pass(1_000);
    const renewed = session.keeper.renew("access-1");
    await session.succeed();
    expect(await renewed).toBe("access-2");
  });
});

describe("the end of a session", () => {
  it("is final without a login: every later call fails at once with the same reason", async () => {
    const session = start();
    session.pass(life);
    const first = expect(session.keeper.token()).rejects.toMatchObject({ reason: "REFRESH_TOKEN_INVALID" });
    await session.fail(failure("REFRESH_TOKEN_INVALID"));
    await first;
    expect(() => session.keeper.token()).toThrow(expect.objectContaining({ reason: "REFRESH_TOKEN_INVALID" }));
    expect(await session.keeper.renew("access-0")).toBeUndefined();
    expect(session.presented).toEqual(["refresh-0"]);
    expect(session.saved).toEqual([undefined]);
  });

  it("is final also when the store of tokens fails at that moment", async () => {
    const session = start({ onTokens: () => Promise.reject(new Error("disk full")) });
    session.pass(life);
    const first = expect(session.keeper.token()).rejects.toThrow("disk full");
    await session.fail(failure("REFRESH_TOKEN_INVALID"));
    await first;
    expect(() => session.keeper.token()).toThrow(expect.objectContaining({ reason: "REFRESH_TOKEN_INVALID" }));
  });

  it("is followed by one login where there is a password", async () => {
    let logins = 0;
    const session = start({
      open: async () => {
        logins += 1;
        return storedTokens(50, 9_000_000);
      },
    });
    session.pass(life);
    const tokens = Promise.all([session.keeper.token(), session.keeper.token()]);
    await session.fail(failure("REFRESH_TOKEN_INVALID"));
    expect(await tokens).toEqual(["access-50", "access-50"]);
    expect(logins).toBe(1);
    expect(session.saved.map((tokens) => tokens?.accessToken)).toEqual([undefined, "access-50"]);
  });
});

describe("login", () => {
  it("happens at the first call, once for all", async () => {
    let logins = 0;
    const open = async () => {
      logins += 1;
      return storedTokens(7, 9_000_000);
    };
    const { keeper } = start({ open, stored: undefined });
    expect(logins).toBe(0);
    expect(await Promise.all([keeper.token(), keeper.token(), keeper.token()])).toEqual(Array(3).fill("access-7"));
    expect(logins).toBe(1);
  });

  it("is not tried again with a password that was refused, so that no account is locked", async () => {
    let logins = 0;
    const open = () => {
      logins += 1;
      return Promise.reject(failure("LOGIN_FAILED"));
    };
    const { keeper } = start({ open, stored: undefined });
    await expect(keeper.token()).rejects.toMatchObject({ reason: "LOGIN_FAILED" });
    expect(() => keeper.token()).toThrow(expect.objectContaining({ reason: "LOGIN_FAILED" }));
    expect(logins).toBe(1);
  });

  it("is tried again after any other failure", async () => {
    const answers = [Promise.reject(failure("RATE_LIMITED")), Promise.resolve(storedTokens(8, 9_000_000))];
    const open = () => answers.shift() ?? Promise.reject(new Error("too many"));
    const { keeper } = start({ open, stored: undefined });
    await expect(keeper.token()).rejects.toMatchObject({ reason: "RATE_LIMITED" });
    expect(await keeper.token()).toBe("access-8");
  });
});

describe("the hook", () => {
  it("has stored each pair before it is used", async () => {
    const order: string[] = [];
    const session = start({
      onTokens: async (tokens) => {
        await settled();
        order.push(`stored ${tokens?.accessToken}`);
      },
    });
    session.pass(life);
    const used = Promise.resolve(session.keeper.token()).then((token) => order.push(`used ${token}`));
    await session.succeed();
    await used;
    expect(order).toEqual(["stored access-1", "used access-1"]);
  });

  it("is asked again by the next call when it failed, and the pair is not lost", async () => {
    let attempts = 0;
    const session = start({
      onTokens: () => {
        attempts += 1;
        if (attempts === 1) throw new Error("disk full");
      },
    });
    session.pass(life);
    const first = expect(session.keeper.token()).rejects.toThrow("disk full");
    await session.succeed();
    await first;
    expect(await session.keeper.token()).toBe("access-1");
    expect(attempts).toBe(2);
    expect(session.presented).toEqual(["refresh-0"]);
  });
});

it("never has two refreshes in flight, never presents or stores a refresh token whose successor has come", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("token" as const) }),
    fc.record({ do: fc.constant("renew" as const), of: fc.nat(12) }),
    fc.record({ do: fc.constant("pass" as const), ms: fc.nat(life) }),
    fc.record({ do: fc.constant("succeed" as const) }),
    fc.record({ do: fc.constant("fail" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const session = start();
      let successors = 0;
      for (const each of steps) {
        if (each.do === "token") Promise.resolve(session.keeper.token()).catch(() => undefined);
        if (each.do === "renew") session.keeper.renew(`access-${each.of}`).catch(() => undefined);
        if (each.do === "pass") session.pass(each.ms);
        if (each.do === "succeed" && session.waiting.length > 0) {
          await session.succeed();
          successors += 1;
        }
        if (each.do === "fail") await session.fail(failure("UNREACHABLE"));
        expect(session.waiting.length).toBeLessThanOrEqual(1);
        if (session.waiting.length === 1) expect(session.presented.at(-1)).toBe(`refresh-${successors}`);
        if (successors > 0) expect(session.saved.at(-1)?.refreshToken).toBe(`refresh-${successors}`);
      }
    }),
    { numRuns: 300 },
  );
});
