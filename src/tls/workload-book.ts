// The bindings that are in force, and how they change: when the file does, or at SIGHUP together with the certificates.
import type { Logger } from "../kernel/logger.ts";
import type { Metrics } from "../kernel/metrics.ts";
import type { PreparedReload } from "../kernel/reload.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { type NamedFile, stateOfFiles } from "./files.ts";
import { noBindings, readWorkloads, type WorkloadBindings } from "./workload-file.ts";

export interface WorkloadBookDeps {
  /** Undefined = nobody calls with a certificate alone. */
  readonly file: NamedFile | undefined;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Puts what changes on record; when it rejects nothing changes, and the next look tries again. */
  readonly record: (changed: readonly string[]) => Promise<void>;
}

export interface WorkloadBook {
  readonly current: () => WorkloadBindings;
  /** Throws StartRefused, which says what is wrong with the file. */
  prepare(): Promise<PreparedReload>;
  /** Reads the file again when it has changed. Never throws: a broken one keeps the earlier bindings. */
  look(): Promise<void>;
}

function meter(metrics: Metrics) {
  const reloads = metrics.counter({
    name: "gatehouse_workload_reloads_total",
    help: "Looks at a changed file of workload bindings: kept = it is wrong, so the earlier bindings stay.",
    labels: ["outcome"],
  });
  return { changed: reloads.with({ outcome: "changed" }), kept: reloads.with({ outcome: "kept" }) };
}

function plain({ bySpiffeId, byDnsName }: WorkloadBindings): string {
  const lines = [bySpiffeId, byDnsName].map((names) =>
    [...names].map(([name, { principalId, scopes }]) => [name, principalId, ...scopes]),
  );
  return JSON.stringify(lines);
}

/** Throws StartRefused when the file is not right. */
export async function openWorkloadBook({ file, metrics, logger, record }: WorkloadBookDeps): Promise<WorkloadBook> {
  const stateNow = () => (file === undefined ? "" : stateOfFiles([file]));
  // Asked before reading: what is written meanwhile is read again.
  let seen = await stateNow();
  let current = file === undefined ? noBindings : await readWorkloads(file);
  const reloads = meter(metrics);

  async function read(): Promise<PreparedReload> {
    const next = file === undefined ? noBindings : await readWorkloads(file);
    const put = () => {
      current = next;
    };
    return { changed: plain(next) === plain(current) ? [] : ["workloads"], apply: put };
  }

  function keep(error: unknown): void {
    reloads.kept.add();
    const wrong = error instanceof StartRefused;
    // Not the fault of the file, so it is looked at again without having changed.
    if (!wrong) seen = "";
    const reason = wrong ? error.message : "the change could not be put on record";
    logger.error({ err: error, reason }, "the changed workload bindings are wrong, so the earlier ones stay in force");
  }

  return {
    current: () => current,
    async prepare() {
      const { changed, apply } = await read();
      // A look may have taken a newer file while this was put on record, so the next one reads it once more.
      const applyAndLook = () => {
        seen = "";
        apply();
      };
      return { changed, apply: applyAndLook };
    },
    async look() {
      const now = await stateNow();
      if (now === seen) return;
      seen = now;
      try {
        const { changed, apply } = await read();
        if (changed.length === 0) return;
        await record(changed);
        apply();
        reloads.changed.add();
        logger.info({}, "the workload bindings were read again");
      } catch (error) {
        keep(error);
      }
    },
  };
}
