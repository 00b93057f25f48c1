// What the watch over Vault remembers, and how often it asks what.
import { describe, expect, it } from "vitest";
import { Secret } from "../../../src/kernel/secret.ts";
import { type VaultHealth, VaultUnavailable } from "../../../src/vault/ports.ts";
import { startVaultWatch } from "../../../src/vault/watch.ts";
import { createFakeLogger } from "../../fakes/logger.ts";

function watching() {
  const state: { health: VaultHealth; login: Error | undefined; checks: number } = {
    health: "active",
    login: undefined,
    checks: 0,
  };
  const logger = createFakeLogger();
  const watch = startVaultWatch({
    health: async () => state.health,
    session: {
      token: async () => {
        if (state.login !== undefined) throw state.login;
        return new Secret("t");
      },
      discard: () => true,
      held: () => undefined,
      close: () => {},
    },
    checkToken: async () => {
      state.checks += 1;
    },
    timeoutMs: 1_000,
    logger,
    intervalMs: 60_000,
  });
  return { state, logger, watch };
}

describe("the watch", () => {
  it.each<VaultHealth>(["sealed", "uninitialised", "unreachable"])(
    "says once that Vault is %s, and once that it is back",
    async (health) => {
      const { state, logger, watch } = watching();
      expect(watch.healthy).toBe(true);
      state.health = health;
      await watch.look();
      await watch.look();
      expect(watch.healthy).toBe(false);
      state.health = "standby";
      await watch.look();
      expect(watch.healthy).toBe(true);
      expect(logger.lines.map(({ level, fields }) => [level, fields.fault])).toEqual([
        ["warn", `is ${health}`],
        ["info", undefined],
      ]);
      watch.stop();
    },
  );

  it("does not take a Vault for healthy that gives no login", async () => {
    const { state, logger, watch } = watching();
    state.login = new VaultUnavailable("credential-file", "login");
    await watch.look();
    expect(watch.healthy).toBe(false);
    expect(logger.lines[0]?.fields.fault).toMatch(/file with the credential/);
    watch.stop();
  });

  it("asks about the token at every tenth look, since that stands in Vault's audit log", async () => {
    const { state, watch } = watching();
    for (let look = 0; look < 30; look += 1) await watch.look();
    expect(state.checks).toBe(3);
    watch.stop();
  });

  it("changes nothing any more once it is stopped", async () => {
    const { state, logger, watch } = watching();
    watch.stop();
    state.health = "sealed";
    await watch.look();
    expect(watch.healthy).toBe(true);
    expect(logger.lines).toEqual([]);
  });
});
