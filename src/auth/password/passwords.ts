// A password from acceptance to storage: checked, hashed, and sealed under the pepper for one principal alone, so that
// a stolen table verifies nothing and a hash moved to another row opens nowhere.
import { randomBytes, randomUUID } from "node:crypto";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Binding, InstallationSealer } from "../../kernel/sealing.ts";
import {
  canonicalPassword,
  contentFaults,
  contextWords,
  describeFault,
  lengthFaults,
  type PasswordContext,
  type PasswordFault,
} from "../domain/password-policy.ts";
import { boundsFor, decoyPhc, isBehind, parseArgon2Phc, saltBytes, tagBytes } from "../domain/phc.ts";
import type { PasswordHasher, StrengthEstimator } from "../ports.ts";

export interface StoredPassword {
  readonly principalId: string;
  readonly sealed: Buffer;
  readonly pepperVersion: number;
}

export interface Passwords {
  /** Throws PASSWORD_UNACCEPTABLE with a violation for each fault. */
  accept(password: string, context: PasswordContext, signal: AbortSignal): Promise<void>;
  /** The same of `new_password`, which must not be the current one either. */
  acceptInPlaceOf(current: string, password: string, context: PasswordContext, signal: AbortSignal): Promise<void>;
  /** One hashing. */
  make(principalId: string, password: string, signal: AbortSignal): Promise<StoredPassword>;
  /** Exactly one hashing, whatever the answer. */
  matches(stored: StoredPassword, password: string, signal: AbortSignal): Promise<boolean>;
  /** What to store in place of a password that just matched; undefined when it is as one made now would be. */
  renew(stored: StoredPassword, password: string, signal: AbortSignal): Promise<StoredPassword | undefined>;
  /** For login names that nobody has: opens and verifies like any other, and never matches. */
  readonly decoy: StoredPassword;
}

export interface PasswordsDeps {
  readonly hasher: PasswordHasher;
  readonly strength: StrengthEstimator;
  readonly sealer: InstallationSealer;
  readonly minLength: number;
}

function bindingOf(principalId: string): Binding {
  return { kind: "person.password", id: principalId };
}

function sealWith(sealer: InstallationSealer, principalId: string, phc: string): StoredPassword {
  const pepperVersion = sealer.currentVersion("pepper");
  return { principalId, sealed: sealer.seal("pepper", bindingOf(principalId), Buffer.from(phc)), pepperVersion };
}

/** Refuses on the first round that found something; the field is the one that holds the password in the request. */
function createAccept({ strength, minLength }: PasswordsDeps, field: string): Passwords["accept"] {
  function refuse(faults: readonly PasswordFault[]): void {
    if (faults.length === 0) return;
    const violations = faults.map((fault) => ({ field, description: describeFault(fault, minLength) }));
    throw new GatehouseError("PASSWORD_UNACCEPTABLE", { violations });
  }
  return async (password, context, signal) => {
    const canonical = canonicalPassword(password);
    refuse(lengthFaults(canonical, minLength));
    const estimate = await strength.estimate(canonical, contextWords(context), signal);
    refuse(contentFaults(canonical, context, estimate));
  };
}

function createAcceptInPlaceOf(deps: PasswordsDeps): Passwords["acceptInPlaceOf"] {
  const field = "new_password";
  const accept = createAccept(deps, field);
  return async (current, password, context, signal) => {
    if (canonicalPassword(password) === canonicalPassword(current)) {
      const description = describeFault("unchanged", deps.minLength);
      throw new GatehouseError("PASSWORD_UNACCEPTABLE", { violations: [{ field, description }] });
    }
    await accept(password, context, signal);
  };
}

export function createPasswords(deps: PasswordsDeps): Passwords {
  const { hasher, sealer } = deps;
  const bounds = boundsFor(hasher.cost);

  function open({ principalId, sealed }: StoredPassword) {
    const phc = sealer.open("pepper", bindingOf(principalId), sealed).toString();
    const hash = parseArgon2Phc(phc, bounds);
    if (hash === undefined) throw new GatehouseError("DATA_CORRUPT");
    return { phc, hash };
  }

  async function make(principalId: string, password: string, signal: AbortSignal): Promise<StoredPassword> {
    return sealWith(sealer, principalId, await hasher.hash(canonicalPassword(password), signal));
  }

  return {
    accept: createAccept(deps, "password"),
    acceptInPlaceOf: createAcceptInPlaceOf(deps),
    make,
    matches: async (stored, password, signal) => hasher.verify(open(stored).phc, canonicalPassword(password), signal),
    async renew(stored, password, signal) {
      const { phc, hash } = open(stored);
      if (isBehind(hash, hasher.cost)) return make(stored.principalId, password, signal);
      if (stored.pepperVersion < sealer.currentVersion("pepper")) return sealWith(sealer, stored.principalId, phc);
      return undefined;
    },
    decoy: sealWith(sealer, randomUUID(), decoyPhc(hasher.cost, randomBytes(saltBytes), randomBytes(tagBytes))),
  };
}
