// How many requests to Transit travel together.
import type { Metrics } from "../../kernel/metrics.ts";
import type { BatchOperation } from "./batches.ts";

const bounds = [1, 2, 4, 8, 16, 32];

export function batchMeter(metrics: Metrics): (operation: BatchOperation, size: number) => void {
  const family = metrics.histogram<"operation">({
    name: "gatehouse_vault_batch_size",
    help: "Signatures, or data keys to wrap or to open, that went to Vault in one call.",
    labels: ["operation"],
    bounds,
  });
  const by = (operation: BatchOperation) => family.with({ operation });
  const sizes = { sign: by("sign"), encrypt: by("encrypt"), decrypt: by("decrypt") };
  return (operation, size) => sizes[operation].record(size);
}
