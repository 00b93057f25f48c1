// The public keys of one cluster: kept for a while, asked for anew when a token names one that is not among them, and then
// not again and again, whoever asks.
import type { KeyObject } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Logger } from "../kernel/logger.ts";
import { importPublicJwk } from "../kernel/public-jwk.ts";
import { fetchKeys } from "./fetch-keys.ts";
import type { KeyPlace } from "./issuers-file.ts";

export interface KeySet {
  /** Undefined = the cluster has no such key. Rejects when its keys cannot be had and those of before are too old. */
  find(kid: string, now: Date): Promise<KeyObject | undefined>;
}

export interface KeySetDeps {
  readonly issuer: string;
  readonly place: KeyPlace;
  readonly logger: Logger;
}

/** How long keys serve before they are asked for again; a file is nearer. */
const freshMs = { file: 10_000, url: 600_000 } as const;
/** Keys are asked for at most this often, whatever tokens name and however the question went; sooner while there are none. */
const againMs = 10_000;
const firstAgainMs = 1_000;
/** While the cluster cannot be reached its keys of before serve this long. */
const staleMs = 3_600_000;
const mostKeys = 100;
const algorithms = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"];

/** Undefined = left out: a key without a name, or one that is not what it should be. */
function publicKey(jwk: unknown): [string, KeyObject] | undefined {
  try {
    const { kid, key } = importPublicJwk(jwk, { use: "sig", algorithms });
    return kid === undefined ? undefined : [kid, key];
  } catch {
    return undefined;
  }
}

/** Throws when `text` is no JWK Set (RFC 7517); keys that cannot verify are left out. */
export function parseKeySet(text: string): ReadonlyMap<string, KeyObject> {
  const value: unknown = JSON.parse(text);
  const keys = typeof value === "object" && value !== null && "keys" in value ? value.keys : undefined;
  if (!Array.isArray(keys) || keys.length > mostKeys) throw new TypeError("no set of keys");
  return new Map(
    keys.flatMap((key) => {
      const found = publicKey(key);
      return found === undefined ? [] : [found];
    }),
  );
}

interface Held {
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** Unix milliseconds of the answer. */
  readonly at: number;
}

export function createKeySet({ issuer, place, logger }: KeySetDeps): KeySet {
  let held: Held | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(now: number): Promise<void> {
    askedAt = now;
    const text = place.kind === "file" ? await readFile(place.path, "utf8") : await fetchKeys(place);
    held = { keys: parseKeySet(text), at: now };
  }

  /** One question at a time; whoever asks meanwhile shares its answer. */
  function refresh(now: number): Promise<void> {
    asking ??= ask(now).finally(() => {
      asking = undefined;
    });
    return asking;
  }

  function isDue(kid: string, now: number): boolean {
    const since = Math.abs(now - askedAt);
    if (held === undefined) return since >= firstAgainMs;
    const old = Math.abs(now - held.at) >= freshMs[place.kind];
    return (old || !held.keys.has(kid)) && since >= againMs;
  }

  return {
    async find(kid, date) {
      const now = date.getTime();
      if (isDue(kid, now) || (asking !== undefined && held?.keys.has(kid) !== true)) {
        await refresh(now).catch((error: unknown) =>
          logger.warn({ err: error, issuer }, "the keys of a workload issuer cannot be had"),
        );
      }
      if (held === undefined || Math.abs(now - held.at) >= staleMs) throw new Error("no keys of the issuer");
      return held.keys.get(kid);
    },
  };
}
