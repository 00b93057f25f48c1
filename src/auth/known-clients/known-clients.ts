// Which application calls. All clients are in memory, since there are few and they seldom change, so that one that does not exist
// costs what one that does costs; the feed says when to read them again.
import { randomBytes, timingSafeEqual } from "node:crypto";
import type { FeedEvent, LoneWriter, Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Client, Clients, Freshness } from "../../kernel/ports.ts";
import type { Mac, Macs } from "../../kernel/sealing.ts";
import type { Sweep } from "../../kernel/sweep.ts";
import { noteSecretsUsed, type StoredSecret } from "../client-secret/store.ts";
import { createLastUse } from "../last-use.ts";
import { type KnownClient, readKnownClient, readKnownClients } from "./store.ts";

export interface KnownClientsDeps {
  readonly reader: Reader;
  readonly writer: LoneWriter;
  readonly freshness: Freshness;
  readonly macs: Macs;
}

export interface KnownClients extends Clients {
  readonly sweeps: readonly Sweep[];
  /** Writes down which secrets were used since the last sweep. */
  close(): Promise<void>;
  onFeed(events: readonly FeedEvent[]): void;
}

interface Kept {
  readonly clients: ReadonlyMap<string, KnownClient>;
  /** Unix milliseconds. */
  readonly until: number;
}

/** Well below the life of a feed event, so that what a cut-off replica never heard of cannot outlive the event. */
const longestKeptMs = 300_000;
/** As many as a client may have: each is compared with, whatever the first one says. */
const secretsCompared = 2;
const flushEveryMs = 60_000;

const secretParts = (clientId: string, secret: string) => ["client_secret", clientId, secret];

/** The keyed hash of a secret, of this client and no other. */
export function clientSecretMac(macs: Macs, clientId: string, secret: string): Mac {
  return macs.mac("token-hash", secretParts(clientId, secret));
}

function isAmong(shown: readonly Mac[], stored: Mac): boolean {
  let found = false;
  for (const { version, value } of shown) {
    const same = value.length === stored.value.length && timingSafeEqual(value, stored.value);
    if (same && version === stored.version) found = true;
  }
  return found;
}

/** All clients as they were read last; undefined when they must be read again. */
function createMemory({ reader, freshness }: Pick<KnownClientsDeps, "reader" | "freshness">) {
  let kept: Kept | undefined;
  let loading: Promise<ReadonlyMap<string, KnownClient>> | undefined;

  async function load(now: Date): Promise<ReadonlyMap<string, KnownClient>> {
    const started = readKnownClients(reader);
    loading = started;
    try {
      const clients = await started;
      // A change announced meanwhile took this load away: it may have read what was before.
      if (loading === started) kept = { clients, until: now.getTime() + longestKeptMs };
      return clients;
    } finally {
      if (loading === started) loading = undefined;
    }
  }

  return {
    peek(now: Date): ReadonlyMap<string, KnownClient> | undefined {
      return kept !== undefined && kept.until > now.getTime() && freshness.fresh(now) ? kept.clients : undefined;
    },
    async read(clientId: string, now: Date): Promise<KnownClient | undefined> {
      if (!freshness.fresh(now)) return await readKnownClient(reader, clientId);
      return (await (loading ?? load(now))).get(clientId);
    },
    forget(): void {
      kept = undefined;
      loading = undefined;
    },
  };
}

function refused(auditReason: string): GatehouseError {
  return new GatehouseError("CLIENT_INVALID", { auditReason });
}

export function createKnownClients(deps: KnownClientsDeps): KnownClients {
  const { macs } = deps;
  const memory = createMemory(deps);
  const used = createLastUse((uses) => noteSecretsUsed(deps.writer, uses));
  /** Compared with where a client has fewer secrets than it may have. */
  const decoy = macs.mac("token-hash", ["client_secret_decoy", randomBytes(32)]);

  /** The secret that was shown. As many hashings and comparisons for every client and every secret. */
  function shownOf(known: KnownClient | undefined, clientId: string, secret: string, now: Date) {
    const live = (known?.secrets ?? []).filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
    const shown = macs.candidates("token-hash", secretParts(clientId, secret));
    let found: StoredSecret | undefined;
    for (let place = 0; place < secretsCompared; place += 1)
      if (isAmong(shown, live[place]?.hash ?? decoy)) found = live[place];
    return found;
  }

  function judge(known: KnownClient | undefined, clientId: string, secret: string, now: Date): Client {
    const shown = shownOf(known, clientId, secret, now);
    if (known === undefined) throw refused("CLIENT_UNKNOWN");
    const { client } = known;
    if (!(client.confidential ? shown !== undefined : secret === "")) throw refused("CLIENT_SECRET_WRONG");
    if (client.disabled) throw refused("CLIENT_DISABLED");
    if (shown !== undefined) used.note(shown.id, now);
    return client;
  }

  return {
    find(clientId, now) {
      const clients = memory.peek(now);
      if (clients !== undefined) return clients.get(clientId)?.client;
      return memory.read(clientId, now).then((known) => known?.client);
    },
    async authenticate(clientId, secret, now) {
      const clients = memory.peek(now);
      const known = clients === undefined ? await memory.read(clientId, now) : clients.get(clientId);
      return judge(known, clientId, secret, now);
    },
    onFeed(events) {
      if (events.some(({ kind }) => kind === "client")) memory.forget();
    },
    sweeps: [{ name: "client-secrets-used", everyMs: flushEveryMs, run: () => used.flush() }],
    // A use that goes unnoted harms nobody, and a stop must not fail for it.
    close: () => used.flush().catch(() => {}),
  };
}
