// What is measured of signing keys: how old those are that sign, and how many there are in each state.
import type { Clock } from "../../kernel/clock.ts";
import type { Metrics } from "../../kernel/metrics.ts";
import type { SigningKeyFacts, SigningKeyHome } from "../ports.ts";
import { type SigningKeyTimes, signerOf, stateOf } from "./states.ts";

export interface SigningKeyMetersDeps {
  readonly home: SigningKeyHome;
  readonly clock: Clock;
  readonly times: SigningKeyTimes;
  readonly keys: () => readonly SigningKeyFacts[];
}

export function measureSigningKeys({ home, clock, times, keys }: SigningKeyMetersDeps, metrics: Metrics): void {
  /** Of each algorithm the key that signs. */
  function signers(now: Date): readonly SigningKeyFacts[] {
    const algorithms = new Set(keys().map(({ algorithm }) => algorithm));
    return [...algorithms].flatMap((algorithm) => signerOf(keys(), { algorithm, home: home.name, now }) ?? []);
  }

  metrics.gauge<"algorithm">(
    {
      name: "gatehouse_signing_key_age_seconds",
      help: "How long the key that signs has been signing.",
      labels: ["algorithm"],
    },
    () => {
      const now = clock.now();
      const age = ({ activatesAt }: SigningKeyFacts) => Math.max(0, now.getTime() - activatesAt.getTime()) / 1000;
      return signers(now).map((key) => [{ algorithm: key.algorithm }, age(key)] as const);
    },
  );
  metrics.gauge<"algorithm">(
    {
      name: "gatehouse_signing_key_rotation_due_timestamp_seconds",
      help: "When another key is to sign in place of the one that does.",
      labels: ["algorithm"],
    },
    () => {
      const { rotationMs } = times;
      if (rotationMs === "off") return [];
      const due = ({ activatesAt }: SigningKeyFacts) => (activatesAt.getTime() + rotationMs) / 1000;
      return signers(clock.now()).map((key) => [{ algorithm: key.algorithm }, due(key)] as const);
    },
  );
  metrics.gauge<"algorithm" | "state">(
    {
      name: "gatehouse_signing_keys",
      help: "Signing keys that are not destroyed, by their state.",
      labels: ["algorithm", "state"],
    },
    () => {
      const now = clock.now();
      const groups = Map.groupBy(keys(), (key) => `${key.algorithm} ${stateOf(key, now)}`);
      return [...groups].map(([name, members]) => {
        const [algorithm = "", state = ""] = name.split(" ");
        return [{ algorithm, state }, members.length] as const;
      });
    },
  );
}
