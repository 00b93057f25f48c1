// How everything counts. Names follow Prometheus and OpenTelemetry (`gatehouse_..._total`, base units); labels come from
// closed sets, never from a caller's text, because each combination is kept for ever.

export interface Counter {
  /** By one, or by `amount`, which is not negative. */
  add(amount?: number): void;
}

export interface Histogram {
  /** In the unit of the metric's name, mostly seconds. */
  record(value: number): void;
}

export interface MetricDescription<Label extends string> {
  readonly name: string;
  /** One sentence, for whoever reads the dashboard at night. */
  readonly help: string;
  readonly labels?: readonly Label[];
}

export type LabelValues<Label extends string> = Readonly<Record<Label, string>>;

/** One metric with its labels open. Keep what `with` answers: looking it up costs more than counting. */
export interface Family<Label extends string, Instrument> {
  with(labels: LabelValues<Label>): Instrument;
}

export interface Metrics {
  counter<Label extends string = never>(description: MetricDescription<Label>): Family<Label, Counter>;
  /** `bounds`: upper bounds of the buckets, ascending. */
  histogram<Label extends string = never>(
    description: MetricDescription<Label> & { readonly bounds: readonly number[] },
  ): Family<Label, Histogram>;
  /** `read` is asked whenever somebody looks. */
  gauge<Label extends string = never>(
    description: MetricDescription<Label>,
    read: () => Iterable<readonly [LabelValues<Label>, number]>,
  ): void;
}

const nothing: Counter & Histogram = { add: () => {}, record: () => {} };
const silent = { with: () => nothing };

/** Counts nothing: for tests, and for commands that serve nobody. */
export const noMetrics: Metrics = { counter: () => silent, histogram: () => silent, gauge: () => {} };
