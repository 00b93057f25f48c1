// Who a workload's evidence speaks for. What a certificate is bound to is asked on every call that comes with it alone, so it
// is kept in memory until the feed says that a binding changed; a Kubernetes token is shown once for each access token.
import type { FeedEvent, Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { PeerCertificate } from "../../kernel/handler.ts";
import type {
  Freshness,
  Standings,
  WorkloadBindings,
  WorkloadCredential,
  WorkloadIssuers,
} from "../../kernel/ports.ts";
import type { Standing } from "../../kernel/principal.ts";
import { createRecentMap } from "../../kernel/recent-map.ts";
import type { LastUse } from "../last-use.ts";
import { type BindingRow, findCertificateBindings, findKubernetesBinding } from "./store.ts";

export interface BindingsDeps {
  readonly reader: Reader;
  readonly standings: Standings;
  readonly freshness: Freshness;
  /** Undefined = no cluster's tokens are believed. */
  readonly issuers: WorkloadIssuers | undefined;
  readonly used: LastUse;
}

export interface BindingCache extends WorkloadBindings {
  onFeed(events: readonly FeedEvent[]): void;
}

/** Of a certificate. */
interface Remembered {
  /** Undefined = bound to nobody. */
  readonly binding: BindingRow | undefined;
  /** Unix milliseconds. */
  readonly until: number;
  credential: WorkloadCredential | undefined;
}

const capacity = 5_000;
/** Below the life of a feed event, so that what a cut-off replica never heard of cannot outlive the event. */
const longestKeptMs = 300_000;

function refused(auditReason: string): GatehouseError {
  return new GatehouseError("CREDENTIAL_INVALID", { auditReason });
}

/** The SPIFFE id before DNS names: it says who, they say where. Names that are bound differently are nobody. */
function choose(rows: readonly BindingRow[]): BindingRow | undefined {
  const byId = rows.find(({ kind }) => kind === "spiffe");
  if (byId !== undefined) return byId;
  const [first, ...others] = rows;
  const said = ({ principal_id, scopes }: BindingRow) => [principal_id, ...scopes].join(" ");
  return first !== undefined && others.every((row) => said(row) === said(first)) ? first : undefined;
}

function credentialOf(binding: BindingRow, standing: Standing | undefined, expiresAt: Date): WorkloadCredential {
  const { id, principal_id, subject, scopes } = binding;
  if (standing?.active !== true) throw refused("PRINCIPAL_DISABLED");
  return { bindingId: id, principalId: principal_id, subject, scopes, standing, expiresAt };
}

export function createBindings({ reader, standings, freshness, issuers, used }: BindingsDeps): BindingCache {
  const memory = createRecentMap<Remembered>(capacity);
  let changes = 0;

  async function load({ spiffeId, dnsNames, thumbprint }: PeerCertificate, now: Date): Promise<Remembered> {
    const before = changes;
    const binding = choose(await findCertificateBindings(reader, spiffeId, dnsNames));
    const loaded: Remembered = { binding, until: now.getTime() + longestKeptMs, credential: undefined };
    // A change announced meanwhile: this may have read what was before.
    if (changes === before) memory.set(thumbprint, loaded);
    return loaded;
  }

  function recall({ thumbprint }: PeerCertificate, now: Date): Remembered | undefined {
    if (!freshness.fresh(now)) return undefined;
    const kept = memory.get(thumbprint);
    return kept !== undefined && kept.until > now.getTime() ? kept : undefined;
  }

  /** The same object as long as nothing changes, so that whatever is made of it need not be made again. */
  function admit(found: Remembered, binding: BindingRow, standing: Standing | undefined, until: Date, now: Date) {
    if (found.credential === undefined || found.credential.standing !== standing || standing?.active !== true)
      found.credential = credentialOf(binding, standing, until);
    used.note(binding.id, now);
    return found.credential;
  }

  async function ofLoaded(found: Remembered, { expiresAt }: PeerCertificate, now: Date) {
    const { binding } = found;
    if (binding === undefined) return undefined;
    return admit(found, binding, await standings.of(binding.principal_id), expiresAt, now);
  }

  return {
    ofCertificate(certificate, now) {
      const found = recall(certificate, now);
      if (found === undefined) return load(certificate, now).then((loaded) => ofLoaded(loaded, certificate, now));
      if (found.binding === undefined) return undefined;
      const standing = standings.peek(found.binding.principal_id);
      if (standing === undefined) return ofLoaded(found, certificate, now);
      return admit(found, found.binding, standing, certificate.expiresAt, now);
    },
    async ofKubernetesToken(text, now) {
      if (issuers === undefined) throw refused("WORKLOAD_ISSUER_UNKNOWN");
      const { issuer, subject, expiresAt } = await issuers.verify(text, now);
      const binding = await findKubernetesBinding(reader, issuer, subject);
      if (binding === undefined) throw refused("WORKLOAD_UNBOUND");
      const credential = credentialOf(binding, await standings.of(binding.principal_id), expiresAt);
      used.note(binding.id, now);
      return credential;
    },
    onFeed(events) {
      if (!events.some(({ kind }) => kind === "workload")) return;
      changes += 1;
      memory.sweep(() => true);
    },
  };
}
