// What a part offers that can take new settings or files while it serves: first everything that may fail, then a switch
// that cannot.

export interface PreparedReload {
  /** What would change, by names that an operator knows; never values. Empty = nothing. */
  readonly changed: readonly string[];
  /** Takes effect at once. Must not throw: by then the change is on record. */
  apply(): void;
}
