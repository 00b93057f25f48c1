// The signing keys in memory: which one signs, which ones verify, and which ones are compromised, at every instant without
// asking anybody. Read again whenever the feed says that they changed.
import type { Clock } from "../../kernel/clock.ts";
import type { FeedEvent, Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { SignatureAlgorithm, VerificationKey } from "../../kernel/sealing.ts";
import { homeAnswer } from "../failures.ts";
import type { HomeSigningKey, SigningKeyHome } from "../ports.ts";
import { createPublishedKeys } from "./published-keys.ts";
import { maySign, nextChange, type SigningKeyTimes, signerOf } from "./states.ts";
import { loadSigningKeys, type SigningKeyRow } from "./store.ts";

export interface SigningRingDeps {
  readonly home: SigningKeyHome;
  readonly reader: Reader;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times: SigningKeyTimes;
}

export interface SigningRing {
  /** As of the last reading. */
  rows(): readonly SigningKeyRow[];
  /** Undefined = none of this home. */
  signer(algorithm: SignatureAlgorithm): VerificationKey | undefined;
  verificationKeys(): readonly VerificationKey[];
  compromised(kid: string): boolean;
  sign(kid: string, signingInput: Uint8Array): Promise<Buffer>;
  /** The compromise of a key counts at once, the rest is read. */
  onFeed(events: readonly FeedEvent[]): void;
  /** Everything that was committed before this call is known when it resolves. Errors: DATABASE_UNAVAILABLE. */
  reload(): Promise<void>;
  /** Waits for what `onFeed` began, if anything. */
  settled(): Promise<void>;
}

/** Which key signs, found once for the time until something changes. */
interface SigningView {
  readonly from: number;
  readonly until: number;
  readonly keys: Map<SignatureAlgorithm, VerificationKey | undefined>;
}

/** Reads again as often as it was asked while an answer was under way: what was committed meanwhile may be missing in it. */
function createReading(read: () => Promise<void>) {
  let reading: Promise<void> | undefined;
  let wanted = false;

  async function readUntilCurrent(): Promise<void> {
    while (wanted) {
      wanted = false;
      await read();
    }
  }

  return {
    again(): Promise<void> {
      wanted = true;
      reading ??= readUntilCurrent().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    underWay: async (): Promise<void> => await reading,
  };
}

export function createSigningRing({ home, reader, clock, logger, times }: SigningRingDeps): SigningRing {
  const published = createPublishedKeys({ tokenLifeMs: times.tokenLifeMs, logger });
  let rows: readonly SigningKeyRow[] = [];
  const compromised = new Set<string>();
  let signing: SigningView = { from: 0, until: 0, keys: new Map() };

  function strikeOut(kid: string): void {
    if (compromised.has(kid)) return;
    compromised.add(kid);
    published.strikeOut(kid);
    signing = { ...signing, until: 0 };
    logger.warn({ kid }, "a signing key was compromised: what it signed is refused");
  }

  function findSigner(algorithm: SignatureAlgorithm, now: Date): VerificationKey | undefined {
    const good = rows.filter((row) => !compromised.has(row.kid));
    const row = signerOf(good, { algorithm, home: home.name, now });
    return row && published.find(row.kid);
  }

  /** A key of this home that may sign now. */
  function activeKey(kid: string): HomeSigningKey | undefined {
    if (compromised.has(kid)) return undefined;
    for (const row of rows) {
      if (row.kid !== kid || row.home !== home.name) continue;
      const { algorithm, jwk, handle } = row;
      return handle === undefined || !maySign(row, clock.now()) ? undefined : { algorithm, jwk, handle };
    }
    return undefined;
  }

  const reading = createReading(async () => {
    rows = published.adopt(await loadSigningKeys(reader));
    signing = { ...signing, until: 0 };
    for (const row of rows) if (row.compromisedAt !== undefined) strikeOut(row.kid);
  });

  return {
    rows: () => rows,
    signer(algorithm) {
      const now = clock.now();
      const at = now.getTime();
      if (at < signing.from || at >= signing.until)
        signing = { from: at, until: nextChange(rows, now, times.tokenLifeMs), keys: new Map() };
      if (!signing.keys.has(algorithm)) signing.keys.set(algorithm, findSigner(algorithm, now));
      return signing.keys.get(algorithm);
    },
    verificationKeys: () => published.at(clock.now()),
    compromised: (kid) => compromised.has(kid),
    sign(kid, signingInput) {
      const key = activeKey(kid);
      if (key !== undefined) return homeAnswer(home.sign(key, signingInput));
      // The caller's next try takes the key that is in force by then.
      const cause = new Error("the signing key is not active");
      return Promise.reject(new GatehouseError("KEYS_UNAVAILABLE", { cause }));
    },
    onFeed(events) {
      const ours = events.filter(({ kind }) => kind === "signing_key" || kind === "compromised_key");
      for (const { kind, key } of ours) if (kind === "compromised_key") strikeOut(key);
      if (ours.length === 0) return;
      reading
        .again()
        .catch((err: unknown) => logger.warn({ err }, "the signing keys could not be read and will be tried again"));
    },
    reload: reading.again,
    settled: reading.underWay,
  };
}
