// What is measured of certificates: when they and the lists of revoked ones end, and what became of changed files.
import type { Counter, Metrics } from "../kernel/metrics.ts";
import type { Material } from "./material.ts";

export interface TlsMeters {
  /** Changed files that are in force. */
  readonly changed: Counter;
  /** Changed files that are wrong, so that the earlier ones stay. */
  readonly kept: Counter;
}

/** Unix milliseconds when the first of the lists says nothing any more; empty = there is none that ends. */
export function overdueAt({ trust }: Material): readonly number[] {
  const ends = trust?.lists.flatMap(({ nextUpdate }) => nextUpdate?.getTime() ?? []) ?? [];
  return ends.length === 0 ? [] : [Math.min(...ends)];
}

export function createTlsMeters(metrics: Metrics, current: () => Material): TlsMeters {
  metrics.gauge(
    { name: "gatehouse_tls_certificate_expiry_timestamp_seconds", help: "When the server's certificate expires." },
    () => [[{}, current().notAfter.getTime() / 1000]],
  );
  metrics.gauge(
    {
      name: "gatehouse_tls_revocation_lists_overdue_timestamp_seconds",
      help: "When the first list of revoked certificates is overdue.",
    },
    () => overdueAt(current()).map((at) => [{}, at / 1000]),
  );
  const reloads = metrics.counter({
    name: "gatehouse_tls_reloads_total",
    help: "Looks at changed certificate files: changed = in force, kept = wrong, so the earlier ones stay.",
    labels: ["outcome"],
  });
  return { changed: reloads.with({ outcome: "changed" }), kept: reloads.with({ outcome: "kept" }) };
}
