// What is counted of the password lane: who works, who waits, who was sent away, and how long it took.
import { GatehouseError } from "../../kernel/errors.ts";
import type { Observer } from "../../kernel/observer.ts";
import type { ClosablePasswordHasher } from "./hasher.ts";

const bounds = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function meterHasher(hasher: ClosablePasswordHasher, { metrics, tracer }: Observer): ClosablePasswordHasher {
  metrics.gauge<"state">(
    { name: "gatehouse_password_lane_jobs", help: "Passwords that are being hashed, and those that wait for it." },
    () => {
      const { running, waiting } = hasher.load();
      return [
        [{ state: "running" }, running],
        [{ state: "waiting" }, waiting],
      ];
    },
  );
  const refused = metrics
    .counter({ name: "gatehouse_password_lane_refused_total", help: "Logins told to come back, the lane being full." })
    .with({});
  const duration = metrics
    .histogram({ name: "gatehouse_password_hash_duration_seconds", help: "One hashing, its wait included.", bounds })
    .with({});
  async function measured<T>(work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    try {
      const done = await tracer.within("password hash", work);
      duration.record((performance.now() - begun) / 1000);
      return done;
    } catch (error) {
      if (error instanceof GatehouseError && error.reason === "LOGIN_BUSY") refused.add();
      throw error;
    }
  }
  return {
    ...hasher,
    hash: (password, signal) => measured(() => hasher.hash(password, signal)),
    verify: (phc, password, signal) => measured(() => hasher.verify(phc, password, signal)),
  };
}
