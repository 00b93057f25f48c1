// Turns many small requests into few larger ones without a timer: what arrives in one turn of the event loop leaves
// together, and while all lanes are busy the next group grows. A lone request waits for the end of the turn only.

export interface GroupingDeps<Item, Answer> {
  /** Groups under way at once. */
  readonly lanes: number;
  /** Most items of a group. */
  readonly size: number;
  /** Answers in the order of the items. When it rejects, all of the group are rejected with its reason. */
  readonly run: (items: readonly Item[]) => Promise<readonly Answer[]>;
}

export interface Grouping<Item, Answer> {
  add(item: Item): Promise<Answer>;
  /** Items that have not left yet. */
  waiting(): number;
  /** Resolves when nothing waits and nothing is under way; never rejects. */
  idle(): Promise<void>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

export function createGrouping<Item, Answer>(deps: GroupingDeps<Item, Answer>): Grouping<Item, Answer> {
  const { lanes, size, run } = deps;
  let queue: Waiting<Item, Answer>[] = [];
  let scheduled = false;
  let busy = 0;
  let onIdle: (() => void)[] = [];

  async function settle(group: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await run(group.map(({ item }) => item));
      if (answers.length !== group.length) throw new TypeError("a group was answered with another number of answers");
      for (const [index, { resolve }] of group.entries()) resolve(answers[index] as Answer);
    } catch (reason) {
      for (const { reject } of group) reject(reason);
    }
  }

  async function occupyLane(group: readonly Waiting<Item, Answer>[]): Promise<void> {
    busy += 1;
    await settle(group);
    busy -= 1;
    flush();
  }

  function flush(): void {
    scheduled = false;
    while (busy < lanes && queue.length > 0) {
      const group = queue.slice(0, size);
      queue = queue.slice(size);
      void occupyLane(group);
    }
    if (busy > 0 || queue.length > 0) return;
    for (const resolve of onIdle) resolve();
    onIdle = [];
  }

  function schedule(): void {
    if (scheduled || busy === lanes) return;
    scheduled = true;
    setImmediate(flush);
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject });
        schedule();
      }),
    waiting: () => queue.length,
    idle: () => (busy === 0 && queue.length === 0 ? Promise.resolve() : new Promise((resolve) => onIdle.push(resolve))),
  };
}
