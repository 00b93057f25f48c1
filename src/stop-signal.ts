// SIGTERM and SIGINT: the first asks for an orderly stop, a later one ends the process at once.

export interface StopSignalDeps {
  readonly on: (signal: "SIGTERM" | "SIGINT", listener: () => void) => void;
  /** Milliseconds on a clock that never jumps. */
  readonly monotonic: () => number;
  readonly exit: (code: number) => void;
}

export interface StopSignal {
  /** Resolves at the first signal. */
  readonly requested: Promise<void>;
}

// Ctrl-C under npm arrives twice, from the terminal and from npm, within milliseconds; that is one wish.
const sameWishMs = 500;

const exitCodes = { SIGTERM: 143, SIGINT: 130 } as const;

export function createStopSignal({ on, monotonic, exit }: StopSignalDeps): StopSignal {
  const { promise: requested, resolve } = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  const heard = (signal: "SIGTERM" | "SIGINT") => {
    if (firstAt !== undefined && monotonic() - firstAt > sameWishMs) exit(exitCodes[signal]);
    firstAt ??= monotonic();
    resolve();
  };
  on("SIGTERM", () => heard("SIGTERM"));
  on("SIGINT", () => heard("SIGINT"));
  return { requested };
}
