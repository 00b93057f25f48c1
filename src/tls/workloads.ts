// Who calls with a certificate alone. Gatehouse's own grants still decide what that principal may do; the binding only
// says who it is, and narrows.
import type { PeerCertificate } from "../kernel/handler.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Counter, Metrics } from "../kernel/metrics.ts";
import type { Standings, WorkloadIdentities } from "../kernel/ports.ts";
import type { Principal, Standing } from "../kernel/principal.ts";
import type { PreparedReload } from "../kernel/reload.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { certificateRefused } from "./client-certificate.ts";
import { type NamedFile, stateOfFiles } from "./files.ts";
import type { TransportSecurityControl } from "./ports.ts";
import { noBindings, readWorkloads, type WorkloadBinding, type WorkloadBindings } from "./workload-file.ts";

export interface WorkloadsDeps {
  /** Undefined = nobody calls with a certificate alone. */
  readonly file: NamedFile | undefined;
  readonly standings: Standings;
  readonly security: Pick<TransportSecurityControl, "requireLive">;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Puts what changes on record; when it rejects nothing changes, and the next look tries again. */
  readonly record: (changed: readonly string[]) => Promise<void>;
}

export interface Workloads extends WorkloadIdentities {
  /** Throws StartRefused, which says what is wrong with the file. */
  prepare(): Promise<PreparedReload>;
  /** Reads the file again when it has changed. Never throws: a broken one keeps the earlier bindings. */
  look(): Promise<void>;
}

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

interface Book {
  readonly current: () => WorkloadBindings;
  prepare(): Promise<PreparedReload>;
  look(): Promise<void>;
}

function createBook(
  { file, logger, record }: WorkloadsDeps,
  first: WorkloadBindings,
  state: string,
  reloads: Counter[],
): Book {
  let current = first;
  let seen = state;
  const [taken, kept] = reloads;
  async function prepare(): Promise<PreparedReload> {
    if (file === undefined) return { changed: [], apply: () => {} };
    const next = await readWorkloads(file);
    const changed = JSON.stringify(plain(next)) === JSON.stringify(plain(current)) ? [] : ["workloads"];
    return {
      changed,
      apply: () => {
        current = next;
      },
    };
  }
  return {
    current: () => current,
    prepare,
    async look() {
      const now = file === undefined ? seen : await stateOfFiles([file]);
      if (now === seen) return;
      seen = now;
      try {
        const { changed, apply } = await prepare();
        if (changed.length === 0) return;
        await record(changed);
        apply();
        taken?.add();
        logger.info({}, "the workload bindings were read again");
      } catch (error) {
        kept?.add();
        const wrong = error instanceof StartRefused;
        if (!wrong) seen = "";
        const reason = wrong ? error.message : "the change could not be put on record";
        logger.error(
          { err: error, reason },
          "the changed workload bindings are wrong, so the earlier ones stay in force",
        );
      }
    },
  };
}

function plain({ bySpiffeId, byDnsName }: WorkloadBindings) {
  return [...bySpiffeId, ...byDnsName].map(([name, { principalId, scopes }]) => [name, principalId, ...scopes]);
}

/** Throws StartRefused when the file is not right. */
export async function openWorkloads(deps: WorkloadsDeps): Promise<Workloads> {
  const { file, standings, security, metrics } = deps;
  const state = file === undefined ? "" : await stateOfFiles([file]);
  const first = file === undefined ? noBindings : await readWorkloads(file);
  const reloads = metrics.counter({
    name: "gatehouse_workload_reloads_total",
    help: "Looks at a changed file of workload bindings: kept = it is wrong, so the earlier bindings stay.",
    labels: ["outcome"],
  });
  const counters = ["changed", "kept"].map((outcome) => reloads.with({ outcome }));
  const book = createBook(deps, first, state, counters);
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
