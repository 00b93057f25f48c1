// The gauges of signing keys, as somebody who looks at them sees them.
import { expect, it } from "vitest";
import { noMetrics } from "../../../../src/kernel/metrics.ts";
import type { SigningKeyFacts, SigningKeyHome } from "../../../../src/keys/ports.ts";
import { measureSigningKeys } from "../../../../src/keys/signing/meters.ts";
import { settableClock } from "../doubles.ts";

const elsewhere = () => Promise.reject(new Error("not asked"));
const home: SigningKeyHome = { name: "local", generate: elsewhere, sign: elsewhere, destroy: elsewhere };

it("KEY-07 J-08 T-07 tells how old the signing keys are, and how many are in which state", () => {
  const clock = settableClock();
  const start = clock.time;
  const at = (seconds: number) => new Date(start + seconds * 1_000);
  const key = (number: number, activatesAt: Date, deactivatesAt: Date | undefined): SigningKeyFacts => ({
    kid: `k${number}`,
    algorithm: "ES256",
    number,
    home: "local",
    createdAt: at(0),
    activatesAt,
    deactivatesAt,
    verifiesUntil: deactivatesAt,
    compromisedAt: undefined,
    destroyedAt: undefined,
  });
  const keys = [key(2, at(100), undefined), key(1, at(0), at(100))];
  const times: { rotationMs: number | "off"; leadMs: number; tokenLifeMs: number } = {
    rotationMs: 7_200_000,
    leadMs: 600_000,
    tokenLifeMs: 1,
  };
  const gauges = new Map<string, () => unknown>();
  measureSigningKeys(
    { home, clock, times, keys: () => keys },
    { ...noMetrics, gauge: ({ name }, read) => void gauges.set(name, () => [...read()]) },
  );
  const read = (name: string) => gauges.get(name)?.();
  clock.time = start + 40_000;
  expect(read("gatehouse_signing_key_age_seconds")).toEqual([[{ algorithm: "ES256" }, 40]]);
  expect(read("gatehouse_signing_key_rotation_due_timestamp_seconds")).toEqual([
    [{ algorithm: "ES256" }, start / 1_000 + 7_200],
  ]);
  expect(read("gatehouse_signing_keys")).toEqual([
    [{ algorithm: "ES256", state: "pre_activation" }, 1],
    [{ algorithm: "ES256", state: "active" }, 1],
  ]);
  clock.time = start + 130_000;
  expect(read("gatehouse_signing_key_age_seconds")).toEqual([[{ algorithm: "ES256" }, 30]]);
  times.rotationMs = "off";
  expect(read("gatehouse_signing_key_rotation_due_timestamp_seconds")).toEqual([]);
  keys.length = 0;
  expect(read("gatehouse_signing_key_age_seconds")).toEqual([]);
});
