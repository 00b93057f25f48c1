// Where everything is counted: numbers in flat arrays, so that counting costs some nanoseconds and makes no garbage.
// prom-client's own instruments hash the labels and copy them at every observation; here `with` does that once. Who looks
// (a scrape, an export) reads snapshots.
import type { Counter, Family, Histogram, LabelValues, MetricDescription, Metrics } from "../../kernel/metrics.ts";

export type Labels = Readonly<Record<string, string>>;

export interface ValueSeries {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSeries {
  readonly labels: Labels;
  /** One for each bound and one for what lies above them all; each observation is in exactly one. */
  readonly buckets: readonly number[];
  readonly sum: number;
}

interface Described {
  readonly name: string;
  readonly help: string;
}

export type Snapshot =
  | (Described & { readonly kind: "counter" | "gauge"; readonly series: readonly ValueSeries[] })
  | (Described & {
      readonly kind: "histogram";
      readonly bounds: readonly number[];
      readonly series: readonly HistogramSeries[];
    });

export interface Ledger extends Metrics {
  /** Everything as it stands now. */
  read(): readonly Snapshot[];
}

/**
 * Most combinations of labels that one metric keeps. Labels come from closed sets, so this is never reached; should a
 * caller's text slip into one all the same, it costs this much memory and no more, and the rest counts as `_other`.
 */
export const mostSeries = 2_000;
const other = "_other";

/** Any one of a gauge's readings that fails must not take the others with it. */
type Source = () => Snapshot;

const metricName = /^[a-z][a-z0-9_]*$/;

function createSeries<Cell, Instrument>(
  names: readonly string[],
  makeCell: () => Cell,
  makeInstrument: (cell: Cell) => Instrument,
) {
  const kept = new Map<string, { readonly labels: Labels; readonly cell: Cell; readonly instrument: Instrument }>();
  const keyOf = (labels: Labels): string => names.map((name) => labels[name]).join("\u0000");
  function add(key: string, labels: Labels): Instrument {
    const cell = makeCell();
    const instrument = makeInstrument(cell);
    kept.set(key, { labels: Object.fromEntries(names.map((name) => [name, labels[name] ?? ""])), cell, instrument });
    return instrument;
  }
  function open(labels: Labels): Instrument {
    const key = keyOf(labels);
    const known = kept.get(key);
    if (known !== undefined) return known.instrument;
    if (kept.size < mostSeries) return add(key, labels);
    const rest = Object.fromEntries(names.map((name) => [name, other]));
    return kept.get(keyOf(rest))?.instrument ?? add(keyOf(rest), rest);
  }
  return { open, all: () => [...kept.values()] };
}

const makeValue = () => new Float64Array(1);

function counterOn(cell: Float64Array): Counter {
  return {
    add(amount = 1) {
      cell[0] = (cell[0] ?? 0) + amount;
    },
  };
}

/** The cell: a count for each bucket, the last of them for what lies above all bounds, then the sum. */
function histogramOn(cell: Float64Array, bounds: readonly number[]): Histogram {
  const above = bounds.length;
  const sum = above + 1;
  return {
    record(value) {
      if (!(value >= 0)) return;
      let bucket = 0;
      while (bucket < above && value > (bounds[bucket] ?? 0)) bucket++;
      cell[bucket] = (cell[bucket] ?? 0) + 1;
      cell[sum] = (cell[sum] ?? 0) + value;
    },
  };
}

function sourceOfCounter({ name, help, labels = [] }: MetricDescription<string>) {
  const series = createSeries(labels, makeValue, counterOn);
  const source: Source = () => ({
    kind: "counter",
    name,
    help,
    series: series.all().map((one) => ({ labels: one.labels, value: one.cell[0] ?? 0 })),
  });
  return { source, family: { with: series.open } };
}

function sourceOfHistogram(description: MetricDescription<string> & { readonly bounds: readonly number[] }) {
  const { name, help, labels = [], bounds } = description;
  const makeCell = () => new Float64Array(bounds.length + 2);
  const series = createSeries(labels, makeCell, (cell) => histogramOn(cell, bounds));
  const source: Source = () => ({
    kind: "histogram",
    name,
    help,
    bounds,
    series: series.all().map(({ labels, cell }) => ({
      labels,
      buckets: [...cell.subarray(0, bounds.length + 1)],
      sum: cell[bounds.length + 1] ?? 0,
    })),
  });
  return { source, family: { with: series.open } };
}

function sourceOfGauge(
  { name, help }: MetricDescription<string>,
  read: () => Iterable<readonly [Labels, number]>,
): Source {
  return () => {
    let series: ValueSeries[] = [];
    try {
      series = Array.from(read(), ([labels, value]) => ({ labels, value })).slice(0, mostSeries);
    } catch {
      // The metric is then missing, which `absent()` finds; the other metrics are not.
    }
    return { kind: "gauge", name, help, series };
  };
}

export function createLedger(): Ledger {
  const sources = new Map<string, Source>();
  const counters = new Map<string, { readonly said: string; readonly family: Family<string, Counter> }>();
  function keep(name: string, source: Source): void {
    if (!metricName.test(name)) throw new TypeError(`${name} is no name of a metric`);
    if (sources.has(name)) throw new TypeError(`the metric ${name} is described twice`);
    sources.set(name, source);
  }
  return {
    /** Two doors that count the same thing say so in the same words, and share it. */
    counter<Label extends string>(description: MetricDescription<Label>): Family<Label, Counter> {
      const said = JSON.stringify(description);
      const known = counters.get(description.name);
      if (known?.said === said) return known.family as Family<Label, Counter>;
      const { source, family } = sourceOfCounter(description);
      keep(description.name, source);
      counters.set(description.name, { said, family });
      return family as Family<Label, Counter>;
    },
    histogram<Label extends string>(description: MetricDescription<Label> & { readonly bounds: readonly number[] }) {
      const { source, family } = sourceOfHistogram(description);
      keep(description.name, source);
      return family as Family<Label, Histogram>;
    },
    gauge<Label extends string>(
      description: MetricDescription<Label>,
      read: () => Iterable<readonly [LabelValues<Label>, number]>,
    ) {
      keep(description.name, sourceOfGauge(description, read));
    },
    read: () => [...sources.values()].map((source) => source()),
  };
}
