// TokenService.BatchIntrospect: Introspect for many tokens at once, each judged by itself.
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import {
  BatchIntrospectResponseSchema,
  IntrospectRequestSchema,
  IntrospectResponseSchema,
  type TokenService,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { EncodedAnswer, type PromptHandler } from "../../kernel/handler.ts";

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

export function createBatchIntrospect({
  introspect,
}: {
  readonly introspect: Introspect;
}): PromptHandler<typeof TokenService.method.batchIntrospect> {
  return ({ tokens, audience, consistency }, call) => {
    const answers = tokens.map((token) =>
      introspect(create(IntrospectRequestSchema, { token, audience, consistency }), call),
    );
    const known = answers.filter((answer): answer is Answer => !(answer instanceof Promise));
    // All of them in memory, as they mostly are, is an answer without a wait.
    return known.length === answers.length ? encode(known) : Promise.all(answers).then(encode);
  };
}
