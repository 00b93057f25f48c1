// Prints each step of the demo on one line, and stops it at the first that differs from what the contracts say.
import { GatehouseError } from "../../clients/typescript/src/index.ts";

/** A step went otherwise than it should. The message is for the reader of the demo. */
export class Differs extends Error {}

export interface Told<T> {
  /** What was seen, for the line; never a secret. */
  readonly seen: string;
  readonly value: T;
}

export interface Narrator {
  step<T>(title: string, play: () => Promise<Told<T>>): Promise<Told<T>>;
}

function describe(error: unknown): string {
  if (error instanceof Differs) return error.message;
  if (!(error instanceof GatehouseError)) return String(error);
  const where = error.violations.map(({ field, description }) => `${field} ${description}`);
  const id = error.errorId === undefined ? [] : [`error id ${error.errorId}`];
  return [`${error.reason}: ${error.message}`, ...where, ...id].join(", ");
}

export function createNarrator(print: (line: string) => void): Narrator {
  let count = 0;
  return {
    async step(title, play) {
      count += 1;
      const head = `${String(count).padStart(2)}. ${title}`;
      try {
        const told = await play();
        print(`${head}: ${told.seen}`);
        return told;
      } catch (error) {
        throw new Differs(`${head}: DIFFERS. ${describe(error)}`);
      }
    },
  };
}

/** Throws unless `holds`. */
export function expect(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Differs(otherwise);
}

/** The error that the call must end with. */
export async function refused(call: Promise<unknown>, reason: string): Promise<GatehouseError> {
  const outcome = await call.then(
    () => "it was allowed",
    (error: unknown) => error,
  );
  if (outcome instanceof GatehouseError && outcome.reason === reason) return outcome;
  throw new Differs(`${reason} was expected, but ${typeof outcome === "string" ? outcome : describe(outcome)}`);
}
