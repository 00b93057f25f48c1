// What may be done with a signing key, told by its row and an instant alone (SP 800-57 part 1 section 7): no job has to
// run in time for a key to become active or to stop.
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { SigningKeyFacts, SigningKeyHome, SigningKeyState } from "../ports.ts";

/** What turning over goes by. */
export interface SigningKeyTimes {
  /** A key signs for this long. */
  readonly rotationMs: number | "off";
  /** A key is published for this long before it signs: longer than any copy of the JWKS lives. */
  readonly leadMs: number;
  /** When the last token of a key has expired, counted from its last signature and on the slowest clock. */
  readonly tokenLifeMs: number;
}

/** Clocks of replicas may differ by this much. */
const clockSkewMs = 30_000;

/** Kept for this long after its last token, so that what a wrong clock or setting did can still be looked into. */
const keptMs = 86_400_000;

function passed(instant: Date | undefined, now: Date): boolean {
  return instant !== undefined && instant.getTime() <= now.getTime();
}

export function stateOf(key: SigningKeyFacts, now: Date): SigningKeyState {
  if (key.destroyedAt !== undefined) return "destroyed";
  if (key.compromisedAt !== undefined) return "compromised";
  if (!passed(key.activatesAt, now)) return "pre_activation";
  return passed(key.deactivatesAt, now) ? "deactivated" : "active";
}

/** Undefined = as long as it signs. The row says it as its writer was set up; a longer life of tokens here counts as well. */
export function verifiesUntil(key: SigningKeyFacts, tokenLifeMs: number): Date | undefined {
  if (key.deactivatesAt === undefined || key.verifiesUntil === undefined) return undefined;
  return new Date(Math.max(key.verifiesUntil.getTime(), key.deactivatesAt.getTime() + tokenLifeMs));
}

/** Published, and good for verification: from its making until its last token has expired. */
export function verifies(key: SigningKeyFacts, now: Date, tokenLifeMs: number): boolean {
  if (key.destroyedAt !== undefined || key.compromisedAt !== undefined) return false;
  return !passed(verifiesUntil(key, tokenLifeMs), now);
}

/** A header that names the key may have been written just before another took over. */
export function maySign(key: SigningKeyFacts, now: Date): boolean {
  const state = stateOf(key, now);
  if (state === "active") return true;
  const early = key.activatesAt.getTime() - now.getTime();
  const late = now.getTime() - (key.deactivatesAt?.getTime() ?? 0);
  return (state === "pre_activation" && early <= clockSkewMs) || (state === "deactivated" && late <= clockSkewMs);
}

/** The key of `home` that signs now: the newest active one. */
export function signerOf<K extends SigningKeyFacts>(
  keys: readonly K[],
  { algorithm, home, now }: { algorithm: SignatureAlgorithm; home: SigningKeyHome["name"]; now: Date },
): K | undefined {
  const ours = keys
    .filter((key) => key.algorithm === algorithm && key.home === home)
    .sort((a, b) => b.number - a.number);
  const active = ours.find((key) => stateOf(key, now) === "active");
  // Made at once by a replica whose clock is ahead.
  return active ?? ours.find((key) => stateOf(key, now) === "pre_activation" && maySign(key, now));
}

/** The key that was published to sign next. */
export function successorOf<K extends SigningKeyFacts>(keys: readonly K[], now: Date): K | undefined {
  return keys.find((key) => stateOf(key, now) === "pre_activation");
}

/** When what is said of these keys changes by itself: Unix milliseconds, `Infinity` = never. */
export function nextChange(keys: readonly SigningKeyFacts[], now: Date, tokenLifeMs: number): number {
  const instants = keys.flatMap((key) => [key.activatesAt, key.deactivatesAt, verifiesUntil(key, tokenLifeMs)]);
  const ahead = instants.flatMap((at) => (at !== undefined && at.getTime() > now.getTime() ? at.getTime() : []));
  // A key becomes fit to sign a little before its time.
  return ahead.reduce(
    (least, at) => Math.min(least, at - now.getTime() > clockSkewMs ? at - clockSkewMs : at),
    Infinity,
  );
}

/** True when the successor of the key that signs is to be published now, so that it can take over in time. */
export function rotationDue(signer: SigningKeyFacts, now: Date, { rotationMs, leadMs }: SigningKeyTimes): boolean {
  if (rotationMs === "off" || signer.deactivatesAt !== undefined) return false;
  return now.getTime() >= signer.activatesAt.getTime() + rotationMs - leadMs;
}

/** False while a live token may rest on it. The database refuses it as well. */
export function mayDestroy(key: SigningKeyFacts, now: Date, tokenLifeMs: number): boolean {
  const until = verifiesUntil(key, tokenLifeMs);
  return key.destroyedAt === undefined && until !== undefined && until.getTime() + keptMs <= now.getTime();
}
