// Which public keys are good for verification at an instant, as one list that stays the same list until something changes.
import type { Logger } from "../../kernel/logger.ts";
import { importPublicJwk } from "../../kernel/public-jwk.ts";
import type { VerificationKey } from "../../kernel/sealing.ts";
import { suits } from "../jwk.ts";
import { nextChange, verifies } from "./states.ts";
import type { SigningKeyRow } from "./store.ts";

export interface PublishedKeys {
  /** Answers the rows that are sound; the others are left out of everything. */
  adopt(rows: readonly SigningKeyRow[]): readonly SigningKeyRow[];
  find(kid: string): VerificationKey | undefined;
  /** Of the rows adopted last, but for those that `struckOut` names. */
  at(now: Date): readonly VerificationKey[];
  strikeOut(kid: string): void;
}

interface View {
  readonly from: number;
  readonly until: number;
  readonly list: readonly VerificationKey[];
}

/** What the database holds is looked at before it is believed: the name must be the key's own, the key fit for its algorithm. */
function published({ kid, algorithm, jwk }: SigningKeyRow): VerificationKey | undefined {
  try {
    const { key, members, thumbprint } = importPublicJwk(jwk, { use: "sig", algorithms: [algorithm] });
    if (!suits(algorithm, key) || thumbprint !== kid) return undefined;
    return { kid, algorithm, jwk: { ...members, kid, alg: algorithm, use: "sig" } };
  } catch {
    return undefined;
  }
}

function sameKeys(one: readonly VerificationKey[], other: readonly VerificationKey[]): boolean {
  return one.length === other.length && one.every((key, at) => key === other[at]);
}

export function createPublishedKeys(deps: { readonly tokenLifeMs: number; readonly logger: Logger }): PublishedKeys {
  const { tokenLifeMs, logger } = deps;
  let rows: readonly SigningKeyRow[] = [];
  let keys: ReadonlyMap<string, VerificationKey> = new Map();
  let view: View = { from: 0, until: 0, list: [] };
  const struckOut = new Set<string>();

  function look(now: Date): View {
    const good = rows.filter((row) => !struckOut.has(row.kid) && verifies(row, now, tokenLifeMs));
    const latest = good.flatMap((row) => keys.get(row.kid) ?? []);
    // Whoever imports keys does so when the list is another one.
    const list = sameKeys(latest, view.list) ? view.list : latest;
    return { from: now.getTime(), until: nextChange(rows, now, tokenLifeMs), list };
  }

  return {
    adopt(read) {
      const sound = new Map<string, VerificationKey>();
      for (const row of read) {
        const key = keys.get(row.kid) ?? published(row);
        if (key === undefined) logger.error({ kid: row.kid }, "a stored signing key is not sound, and is left out");
        else sound.set(row.kid, key);
      }
      keys = sound;
      // The same object for as long as the key is known: homes remember by it what they opened.
      const known = new Map(rows.map((row) => [row.kid, row.jwk]));
      rows = read.filter((row) => sound.has(row.kid)).map((row) => ({ ...row, jwk: known.get(row.kid) ?? row.jwk }));
      view = { ...view, until: 0 };
      return rows;
    },
    find: (kid) => keys.get(kid),
    at(now) {
      const at = now.getTime();
      if (at < view.from || at >= view.until) view = look(now);
      return view.list;
    },
    strikeOut(kid) {
      struckOut.add(kid);
      view = { ...view, until: 0 };
    },
  };
}
