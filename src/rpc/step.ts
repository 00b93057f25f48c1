// What a step of the chain is. Unary and streaming calls pass the same steps; no step knows which it serves.
import type { Exchange } from "./exchange.ts";

export interface Step {
  readonly name: string;
  /** Why the step is there, and why at its place. */
  readonly reason: string;
  /** Steps that must stand before this one. */
  readonly after?: readonly string[];
  /** On the way in. A throw ends the call; the handler is not reached. */
  readonly enter?: (exchange: Exchange) => void | Promise<void>;
  /** For streams, last step first, when every step let the call in and before its handler begins. A throw ends the call. */
  readonly begin?: (exchange: Exchange) => void | Promise<void>;
  /** Several times a second while a stream that is not PUBLIC is open. A throw ends the stream. */
  readonly again?: (exchange: Exchange, now: Date) => void | Promise<void>;
  /** On the way out, in reverse order, for every call whose chain began, with `exchange.outcome` set. May replace the outcome. */
  readonly leave?: (exchange: Exchange) => void | Promise<void>;
}

/** Throws when a step stands before one that it needs; a chain in the wrong order never serves. */
export function checkOrder(steps: readonly Step[]): readonly Step[] {
  const seen = new Set<string>();
  for (const step of steps) {
    for (const needed of step.after ?? []) {
      if (!seen.has(needed)) throw new TypeError(`step ${step.name} must come after ${needed}`);
    }
    if (seen.has(step.name)) throw new TypeError(`step ${step.name} stands twice`);
    seen.add(step.name);
  }
  return steps;
}
