// How long a process goes on answering otherwise than it should, which a promise of "within a second" is held against.

/** Beyond every promise: who asks this long has seen it broken. */
const givenUpMs = 10_000;

/**
 * How long after `since` (performance.now(); default now) the last call began that was not answered with `wanted`, in
 * milliseconds; 0 = none was. Beginnings are counted, because how long a call then takes is the machine's business and not the
 * promise's.
 */
export async function lastOtherwise(
  ask: () => Promise<unknown>,
  wanted: unknown,
  since = performance.now(),
): Promise<number> {
  for (let last = 0; ; ) {
    const begun = performance.now() - since;
    if ((await ask()) === wanted) return last;
    last = begun;
    if (last > givenUpMs) return last;
  }
}
