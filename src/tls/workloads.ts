// Who calls with a certificate alone. The binding says who it is, and narrows; Gatehouse's own grants still decide what that
// principal may do.
import type { PeerCertificate } from "../kernel/handler.ts";
import type { WorkloadBindings, WorkloadCredential, WorkloadIdentities } from "../kernel/ports.ts";
import type { Principal } from "../kernel/principal.ts";
import type { TransportSecurityControl } from "./ports.ts";

export interface WorkloadsDeps {
  readonly bindings: Pick<WorkloadBindings, "ofCertificate">;
  readonly security: Pick<TransportSecurityControl, "requireLive">;
}

function makePrincipal(credential: WorkloadCredential, certificate: PeerCertificate, authenticatedAt: Date): Principal {
  const { standing, subject, scopes } = credential;
  return {
    id: standing.principalId,
    kind: standing.kind,
    sessionId: undefined,
    clientId: subject,
    tokenId: certificate.thumbprint,
    scopes: new Set(scopes),
    authenticationMethods: ["mtls"],
    authenticatedAt,
    tokenExpiresAt: certificate.expiresAt,
    standing,
  };
}

interface Remembered {
  readonly credential: WorkloadCredential;
  readonly principal: Principal;
}

export function createWorkloads({ bindings, security }: WorkloadsDeps): WorkloadIdentities {
  // By certificate, of which a connection has one object: what was made of its credential serves until that changes.
  const memory = new WeakMap<PeerCertificate, Remembered>();

  function become(certificate: PeerCertificate, credential: WorkloadCredential | undefined, now: Date) {
    if (credential === undefined) return undefined;
    const kept = memory.get(certificate);
    if (kept?.credential === credential) return kept.principal;
    const principal = makePrincipal(credential, certificate, kept?.principal.authenticatedAt ?? now);
    memory.set(certificate, { credential, principal });
    return principal;
  }

  return {
    requireLive: security.requireLive,
    principalOf(certificate, now) {
      const found = bindings.ofCertificate(certificate, now);
      if (!(found instanceof Promise)) return become(certificate, found, now);
      return found.then((credential) => become(certificate, credential, now));
    },
  };
}
