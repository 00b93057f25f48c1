// Many small requests to Transit as few larger ones: two batches of up to 32 under way, no timer, and nobody waits longer than
// the deadline, in whatever state Vault is (docs/decisions/0040-coalesced-signatures.md).
import { createGrouping } from "../../kernel/grouping.ts";
import { KeyHomeUnavailable } from "../ports.ts";
import { strangeAnswer } from "./failures.ts";

/** Closed set: it is a label of a metric. */
export type BatchOperation = "sign" | "encrypt" | "decrypt";

export interface BatchSettings {
  /** From asking to answer, waiting in line included. */
  readonly deadlineMs: number;
  /** Most items that wait or are under way; more would wait past the deadline anyway. */
  readonly backlog?: number;
  readonly onBatch?: ((operation: BatchOperation, size: number) => void) | undefined;
}

export interface BatchesDeps<Item, Answer extends object> extends BatchSettings {
  readonly operation: BatchOperation;
  /** Answers in the order of the items; an Error for an item that failed alone. */
  readonly run: (items: readonly Item[]) => Promise<readonly (Answer | Error)[]>;
}

export interface Batches<Item, Answer> {
  /** Throws what `run` throws, and KeyHomeUnavailable after the deadline. */
  add(item: Item): Promise<Answer>;
}

interface Pending<Item> {
  readonly item: Item;
  /** Its caller has been answered already. */
  late: boolean;
}

function tooLate(): KeyHomeUnavailable {
  return new KeyHomeUnavailable("Vault did not answer within GATEHOUSE_VAULT_TIMEOUT");
}

/** Measured against one lane of 64, more lanes and timers: docs/decisions/0040-coalesced-signatures.md. */
const lanes = 2;
const batchSize = 32;
const defaultBacklog = 4_096;

export function createBatches<Item, Answer extends object>(deps: BatchesDeps<Item, Answer>): Batches<Item, Answer> {
  const { operation, deadlineMs, backlog = defaultBacklog, onBatch, run } = deps;
  let open = 0;

  async function runInTime(group: readonly Pending<Item>[]): Promise<readonly (Answer | Error)[]> {
    // Who gives up from here on is not left out any more.
    const late = group.map((pending) => pending.late);
    const items = group.flatMap(({ item }, at) => (late[at] === true ? [] : [item]));
    if (items.length > 0) onBatch?.(operation, items.length);
    const answers = items.length === 0 ? [] : await run(items);
    if (answers.length !== items.length) throw strangeAnswer();
    const next = answers.values();
    return late.map((gone) => (gone ? tooLate() : (next.next().value ?? strangeAnswer())));
  }

  const groups = createGrouping<Pending<Item>, Answer | Error>({
    lanes,
    size: batchSize,

    run: runInTime,
  });

  return {
    add(item) {
      if (open >= backlog) return Promise.reject(new KeyHomeUnavailable("too many wait for Vault"));
      const pending: Pending<Item> = { item, late: false };
      open += 1;
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          pending.late = true;
          reject(tooLate());
        }, deadlineMs);
        groups
          .add(pending)
          .finally(() => {
            open -= 1;
            clearTimeout(timer);
          })
          .then((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)), reject);
      });
    },
  };
}
