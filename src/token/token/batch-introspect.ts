// TokenService.BatchIntrospect: Introspect for many tokens at once, each judged by itself.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  type BatchIntrospectRequest,
  BatchIntrospectResponseSchema,
  Consistency,
  IntrospectRequestSchema,
  IntrospectResponseSchema,
  type TokenService,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { type Call, EncodedAnswer, type PromptHandler } from "../../kernel/handler.ts";
import { isRefreshToken, type KnownBatch, type KnownBatchDeps, readBatch } from "./known-batch.ts";

type Introspect = PromptHandler<typeof TokenService.method.introspect>;
type Answer = Awaited<ReturnType<Introspect>>;

const { results } = BatchIntrospectResponseSchema.field;

function bytesOf(answer: Answer): Uint8Array {
  return answer instanceof EncodedAnswer ? answer.bytes : toBinary(IntrospectResponseSchema, answer);
}

/** The answers were serialised before, and a message in a message is its bytes behind their length. */
function encode(answers: readonly Answer[]): EncodedAnswer {
  const writer = new BinaryWriter();
  for (const answer of answers) writer.tag(results.number, WireType.LengthDelimited).bytes(bytesOf(answer));
  return new EncodedAnswer(writer.finish());
}

export interface BatchIntrospectDeps extends KnownBatchDeps {
  readonly introspect: Introspect;
  /** The same, from what was read for the tokens of one call. */
  introspectBy(known: KnownBatch): Introspect;
}

export function createBatchIntrospect(
  deps: BatchIntrospectDeps,
): PromptHandler<typeof TokenService.method.batchIntrospect> {
  const each = (introspect: Introspect, { tokens, audience, consistency }: BatchIntrospectRequest, call: Call) =>
    tokens.map((token) => introspect(create(IntrospectRequestSchema, { token, audience, consistency }), call));

  async function introspectRead(request: BatchIntrospectRequest, call: Call): Promise<EncodedAnswer> {
    const strong = request.consistency === Consistency.STRONG;
    const introspect = deps.introspectBy(await readBatch(deps, request.tokens, strong, call.now));
    return encode(await Promise.all(each(introspect, request, call)));
  }

  return (request, call) => {
    const { consistency, tokens } = request;
    if (consistency === Consistency.STRONG || tokens.some(isRefreshToken)) return introspectRead(request, call);
    const answers = each(deps.introspect, request, call);
    const known = answers.filter((answer): answer is Answer => !(answer instanceof Promise));
    // All of them in memory, as they mostly are, is an answer without a wait.
    return known.length === answers.length ? encode(known) : Promise.all(answers).then(encode);
  };
}
