// A value that must never be printed. Every printed form is masked; `expose()` is the one, searchable way out.
import { inspect } from "node:util";
import { markAsUncloneable } from "node:worker_threads";

const mask = "[redacted]";

export class Secret<T> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
    // A clone would be an empty object that nobody misses until it is used.
    markAsUncloneable(this);
  }

  expose(): T {
    return this.#value;
  }

  toString(): string {
    return mask;
  }

  toJSON(): string {
    return mask;
  }

  [Symbol.toPrimitive](): string {
    return mask;
  }

  [inspect.custom](): string {
    return mask;
  }
}
