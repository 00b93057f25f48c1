// Who calls with a certificate alone. Gatehouse's own grants still decide what that principal may do; the binding only
// says who it is, and narrows.
import type { PeerCertificate } from "../kernel/handler.ts";
import type { Standings, WorkloadIdentities } from "../kernel/ports.ts";
import type { Principal, Standing } from "../kernel/principal.ts";
import { certificateRefused } from "./client-certificate.ts";
import type { TransportSecurityControl } from "./ports.ts";
import { openWorkloadBook, type WorkloadBook, type WorkloadBookDeps } from "./workload-book.ts";
import type { WorkloadBinding, WorkloadBindings } from "./workload-file.ts";

export interface WorkloadsDeps extends WorkloadBookDeps {
  readonly standings: Standings;
  readonly security: Pick<TransportSecurityControl, "requireLive">;
}

export interface Workloads extends WorkloadIdentities, Omit<WorkloadBook, "current"> {}

interface Found {
  readonly binding: WorkloadBinding;
  /** What the certificate is bound by. */
  readonly name: string;
}

interface Remembered {
  readonly bindings: WorkloadBindings;
  readonly found: Found | undefined;
  principal: Principal | undefined;
}

/** The SPIFFE id before DNS names: it says who, they say where. Two names bound to two principals are nobody. */
function findBinding({ spiffeId, dnsNames }: PeerCertificate, bindings: WorkloadBindings): Found | undefined {
  const byId = spiffeId === undefined ? undefined : bindings.bySpiffeId.get(spiffeId);
  if (byId !== undefined) return { binding: byId, name: spiffeId ?? "" };
  const found = dnsNames.flatMap((name) => {
    const binding = bindings.byDnsName.get(name);
    return binding === undefined ? [] : { binding, name };
  });
  const [first] = found;
  return found.every(({ binding }) => binding === first?.binding) ? first : undefined;
}

function makePrincipal(
  { binding, name }: Found,
  certificate: PeerCertificate,
  standing: Standing,
  now: Date,
): Principal {
  return {
    id: standing.principalId,
    kind: standing.kind,
    sessionId: undefined,
    clientId: name,
    tokenId: certificate.thumbprint,
    scopes: binding.scopes,
    authenticationMethods: ["mtls"],
    authenticatedAt: now,
    tokenExpiresAt: certificate.expiresAt,
    standing,
  };
}

/** The standing must be that of a principal who may still act. */
function admit(
  remembered: Remembered,
  certificate: PeerCertificate,
  standing: Standing | undefined,
  now: Date,
): Principal {
  const { found, principal } = remembered;
  if (found === undefined || standing?.active !== true) throw certificateRefused("CERTIFICATE_UNBOUND");
  if (principal?.standing === standing) return principal;
  remembered.principal = makePrincipal(found, certificate, standing, principal?.authenticatedAt ?? now);
  return remembered.principal;
}

/** Throws StartRefused when the file is not right. */
export async function openWorkloads(deps: WorkloadsDeps): Promise<Workloads> {
  const { standings, security } = deps;
  const book = await openWorkloadBook(deps);
  // By certificate, of which a connection has one: a call on it then costs no look-up by name.
  const memory = new WeakMap<PeerCertificate, Remembered>();

  function recall(certificate: PeerCertificate): Remembered {
    const bindings = book.current();
    const kept = memory.get(certificate);
    if (kept?.bindings === bindings) return kept;
    const fresh: Remembered = { bindings, found: findBinding(certificate, bindings), principal: undefined };
    memory.set(certificate, fresh);
    return fresh;
  }

  return {
    requireLive: security.requireLive,
    prepare: book.prepare,
    look: book.look,
    principalOf(certificate, now) {
      const remembered = recall(certificate);
      if (remembered.found === undefined) return undefined;
      const { principalId } = remembered.found.binding;
      const standing = standings.peek(principalId);
      if (standing !== undefined) return admit(remembered, certificate, standing, now);
      return standings.of(principalId).then((late) => admit(remembered, certificate, late, now));
    },
  };
}
