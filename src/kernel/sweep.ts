// A small periodic clean-up that a slice offers. It keeps no history and may be lost or run twice.

export interface Sweep {
  readonly name: string;
  readonly everyMs: number;
  /** Idempotent; several replicas may run it at once. */
  run(now: Date): Promise<void>;
}
