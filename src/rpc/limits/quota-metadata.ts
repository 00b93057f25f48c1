// What an answer says of its caller's budget. Made once for each value and kept, since it goes with every answer.
import type { Protocol } from "../exchange.ts";
import type { Decision, Rate } from "./ports.ts";

export interface Quota {
  readonly remaining: number;
  /** Frozen: the same for every answer that says the same. */
  readonly metadata: Readonly<Record<string, string>>;
}

export type QuotaWriter = (decision: Decision, protocol: Protocol) => Quota;

const mostKept = 1_024;

const seconds = (ms: number) => Math.ceil(ms / 1000);

/** draft-ietf-httpapi-ratelimit-headers-10, for whoever reads headers; clients of gRPC read the plain names. */
function standardNames(name: string, rate: Rate, remaining: number, reset: number) {
  return {
    "ratelimit-policy": `"${name}";q=${rate.count};w=${Math.max(1, seconds(rate.perMs))}`,
    ratelimit: `"${name}";r=${remaining};t=${reset}`,
  };
}

/** `name`: of the budget, in visible ASCII without quotes. */
export function createQuotaWriter(name: string, rate: Rate): QuotaWriter {
  const limit = String(rate.count);
  const kept = { grpc: new Map<number, Quota>(), web: new Map<number, Quota>() };

  function make(remaining: number, reset: number, protocol: Protocol): Quota {
    const plain = {
      "x-ratelimit-limit": limit,
      "x-ratelimit-remaining": String(remaining),
      "x-ratelimit-reset": String(reset),
    };
    const metadata = protocol === "grpc" ? plain : { ...plain, ...standardNames(name, rate, remaining, reset) };
    return { remaining, metadata: Object.freeze(metadata) };
  }

  return ({ allowed, remaining, wholeAfterMs, retryAfterMs }, protocol) => {
    const reset = seconds(allowed ? wholeAfterMs : retryAfterMs);
    const quotas = protocol === "grpc" ? kept.grpc : kept.web;
    // One number for each pair, as long as nobody waits for a year.
    const place = remaining * 33_554_432 + reset;
    const known = quotas.get(place);
    if (known !== undefined) return known;
    if (quotas.size >= mostKept) quotas.clear();
    const made = make(remaining, reset, protocol);
    quotas.set(place, made);
    return made;
  };
}
