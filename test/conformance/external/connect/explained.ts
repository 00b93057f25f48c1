// Failures of the suite that are known, each with its reason. docs/conformance.md says the same to readers. An explanation
// covers a complaint, not a case: a case that fails for one more reason is not covered.

export interface Explanation {
  readonly why: string;
  readonly complaint: RegExp;
  /** The cases in which it is expected; everywhere without. */
  readonly cases?: RegExp;
  /** It depends on who is faster, so it need not show in every run. */
  readonly sometimes?: true;
  /** Whatever else the case complains of follows from it. */
  readonly wholeCase?: true;
}

const errorInfo: Explanation = {
  why: "every error of ours carries google.rpc.ErrorInfo; the suite counts details and expects none",
  complaint: /^actual error contain 1 details; expecting 0$|^actual error contain 1 details$|^expecting 0$/,
};

const cardinality: Explanation = {
  why: "none or two messages in a call of one: REQUEST_MALFORMED (3) tells the caller what is wrong, where gRPC has UNIMPLEMENTED (12)",
  complaint:
    /^actual error \{code: 3 \(invalid_argument\), message: "the request is not a message of this method"\} does not match expected code 12/,
  cases: /Unexpected Requests\/.*\/(unary|server-stream)\/(multiple-requests|no-request)$/,
};

export const grpcExplanations: readonly Explanation[] = [
  errorInfo,
  {
    why: "grpc-js writes `grpc-message: OK` beside status 0; gRPC clients do not read it",
    complaint: /^trailers include a non-empty 'grpc-message' value with zero\/okay 'grpc-status'$/,
  },
  {
    why: "grpc-js pads base64 in binary metadata; the protocol says not to, and obliges every reader to take both",
    complaint: /^trailers include 'grpc-status-details-bin' value with padding but servers should emit unpadded: /,
  },
  cardinality,
  {
    why: "grpc-js looks neither at the verb nor at the suffix of the content type",
    complaint: /^expecting an error but received none$|^expecting 0 response messages but instead got 1$/,
    cases: /^gRPC Unexpected Requests\/.*\/unexpected-(codec|verb)$/,
  },
];

export const webExplanations: readonly Explanation[] = [
  errorInfo,
  cardinality,
  {
    why: "an answer of the web door has its metadata in headers, and a stream that ends well has none: no method of ours has more to say",
    complaint: /^actual response trailers missing "x-custom-trailer"$/,
    cases: /\/(server-stream|client-stream|bidi-stream|unary)\/|\/(server-stream|client-stream|bidi-stream|unary)$/,
  },
  {
    why: "the suite's reader of Connect's errors does not know google.rpc.ErrorInfo, whose `debug` form it wants to check",
    complaint:
      /^connect error JSON: details\[0\]: could not check debug data because message type "google\.rpc\.ErrorInfo" could not be resolved/,
  },
  {
    why: "what is refused for its content type or its verb is refused in Connect's JSON with its reason, where the suite expects bare HTTP",
    complaint:
      /^actual error \{code: 3 \(invalid_argument\), message: "(the content type is not served here|this path is not for this HTTP method)"\} does not match expected code 2|^connect error JSON: unexpected end of JSON input$/,
    cases: /Unexpected Requests\/.*\/unexpected-(codec|content-type|verb)$/,
  },
  {
    why: "a request that ends between the last byte of its refusal and the END_STREAM after it is reset by node:http2 with PROTOCOL_ERROR, which Go's client reports in place of the refusal",
    complaint: /stream error: stream ID \d+; PROTOCOL_ERROR; received from peer/,
    cases: /\/HTTPVersion:2\/.*\/(\w+-)?request-exceeds-server-limit$/,
    sometimes: true,
    wholeCase: true,
  },
];

/** Complaints that no explanation covers, and explanations that covered nothing. */
export function unexplained(
  failures: ReadonlyMap<string, readonly string[]>,
  explanations: readonly Explanation[],
): { readonly complaints: readonly string[]; readonly idle: readonly string[] } {
  const used = new Set<Explanation>();
  const complaints: string[] = [];
  for (const [name, said] of failures) {
    if (said.length === 0) complaints.push(`${name}: failed without a word`);
    const fits = explanations.filter(({ cases }) => cases === undefined || cases.test(name));
    const whole = fits.find((each) => each.wholeCase && said.some((complaint) => each.complaint.test(complaint)));
    for (const complaint of said) {
      const found = whole ?? fits.find((each) => each.complaint.test(complaint));
      if (found === undefined) complaints.push(`${name}: ${complaint}`);
      else used.add(found);
    }
  }
  return {
    complaints,
    idle: explanations.filter((each) => !used.has(each) && each.sometimes === undefined).map(({ why }) => why),
  };
}
