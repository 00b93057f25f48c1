// Looks at what machines prove themselves by, apart from the RPCs that administer it: API keys and the bindings of workloads. Made before
// the slices, because Token and the chain ask it and Auth needs Token.
import type { FeedEvent, LoneWriter, Reader } from "../kernel/database.ts";
import type { ApiKeys, Freshness, Standings, WorkloadBindings, WorkloadIssuers } from "../kernel/ports.ts";
import type { Macs } from "../kernel/sealing.ts";
import type { Sweep } from "../kernel/sweep.ts";
import { createApiKeys } from "./api-key/api-keys.ts";
import { noteKeysUsed, sweepEndedKeys } from "./api-key/store.ts";
import { createLastUse } from "./last-use.ts";
import { createBindings } from "./workload/bindings.ts";
import { noteBindingsUsed } from "./workload/store.ts";

export interface CredentialChecksDeps {
  readonly reader: Reader;
  readonly writer: LoneWriter;
  readonly macs: Macs;
  readonly standings: Standings;
  readonly freshness: Freshness;
  readonly issuers: WorkloadIssuers | undefined;
}

export interface CredentialChecks {
  readonly apiKeys: ApiKeys;
  readonly workloads: WorkloadBindings;
  /** Undefined = no cluster's tokens are believed. */
  readonly issuers: WorkloadIssuers | undefined;
  readonly sweeps: readonly Sweep[];
  onFeed(events: readonly FeedEvent[]): void;
  /** Writes down what was used since the last sweep. */
  close(): Promise<void>;
}

const flushEveryMs = 60_000;
const tidyEveryMs = 3_600_000;
/** Whoever looks for what a key did finds it listed for as long as this. */
const endedKeysKeptMs = 30 * 86_400_000;

export function createCredentialChecks(deps: CredentialChecksDeps): CredentialChecks {
  const { writer, issuers } = deps;
  const keysUsed = createLastUse((used) => noteKeysUsed(writer, used));
  const bindingsUsed = createLastUse((used) => noteBindingsUsed(writer, used));
  const bindings = createBindings({ ...deps, used: bindingsUsed });
  const flush = async (): Promise<void> => {
    await Promise.all([keysUsed.flush(), bindingsUsed.flush()]);
  };
  return {
    apiKeys: createApiKeys({ ...deps, used: keysUsed }),
    workloads: bindings,
    issuers,
    sweeps: [
      { name: "credentials-used", everyMs: flushEveryMs, run: flush },
      {
        name: "ended-api-keys",
        everyMs: tidyEveryMs,
        run: (now) => sweepEndedKeys(writer, new Date(now.getTime() - endedKeysKeptMs)),
      },
    ],
    onFeed: bindings.onFeed,
    // A use that goes unnoted harms nobody, and a stop must not fail for it.
    close: () => flush().catch(() => {}),
  };
}
