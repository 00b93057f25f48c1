// Reflection v1 and v1alpha, through the handlers that the chain would call.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { ServerReflection } from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import {
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
} from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import type { ServerReflection as ServerReflectionV1alpha } from "@gatehouse/proto/grpc/reflection/v1alpha/reflection_pb.js";
import { ServerReflectionRequestSchema as RequestSchemaV1alpha } from "@gatehouse/proto/grpc/reflection/v1alpha/reflection_pb.js";
import { describe, expect, it } from "vitest";
import type { Call, Handlers } from "../../../../src/kernel/handler.ts";
import { createReflection } from "../../../../src/rpc/reflection/service.ts";

const base = create(FileDescriptorProtoSchema, {
  name: "base.proto",
  package: "base",
  messageType: [{ name: "Extended", extensionRange: [{ start: 100, end: 200 }] }, { name: "Plain" }],
});
const middle = create(FileDescriptorProtoSchema, {
  name: "middle.proto",
  package: "middle",
  dependency: ["base.proto", "not/in/the/set.proto"],
  extension: [{ name: "high", extendee: ".base.Extended", number: 120 }],
});
const top = create(FileDescriptorProtoSchema, {
  name: "top.proto",
  package: "top.v1",
  dependency: ["middle.proto", "base.proto"],
  messageType: [
    {
      name: "Outer",
      field: [{ name: "text", number: 1 }],
      oneofDecl: [{ name: "choice" }],
      nestedType: [{ name: "Inner", field: [{ name: "deep", number: 1 }] }],
      enumType: [{ name: "Mood", value: [{ name: "MOOD_GOOD", number: 0 }] }],
      extension: [{ name: "nested_low", extendee: ".base.Extended", number: 101 }],
    },
  ],
  enumType: [{ name: "Color", value: [{ name: "COLOR_RED", number: 0 }] }],
  service: [{ name: "TopService", method: [{ name: "Ask" }] }],
});

/** An option that no decoder here knows: field 50001 of the file, with an over-long varint that re-encoding would shorten. */
const strangeOption = Uint8Array.from([0x88, 0xb5, 0x18, 0x81, 0x80, 0x00]);
const topBytes = Buffer.concat([toBinary(FileDescriptorProtoSchema, top), strangeOption]);

function lengthDelimited(bytes: Uint8Array): Buffer {
  const length: number[] = [];
  for (let rest = bytes.length; ; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest);
      break;
    }
    length.push((rest & 127) | 128);
  }
  return Buffer.concat([Uint8Array.from([0x0a, ...length]), bytes]);
}

const descriptorSet = Buffer.concat([
  toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [base, middle] })),
  // A field that a later version of the set may have is stepped over.
  Uint8Array.from([0x10, 0x07]),
  lengthDelimited(topBytes),
]);

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

type Question = ServerReflectionRequest["messageRequest"];

function start(readDescriptors: () => Promise<Uint8Array> = async () => descriptorSet) {
  const [v1, v1alpha] = createReflection({ services: () => ["top.v1.TopService", "x.Y"], readDescriptors });
  const handlersV1 = v1?.handlers as Handlers<typeof ServerReflection>;
  const handlersV1alpha = v1alpha?.handlers as Handlers<typeof ServerReflectionV1alpha>;
  const call = { signal: new AbortController().signal } as Call;

  async function ask(...questions: Question[]) {
    async function* requests() {
      for (const messageRequest of questions)
        yield create(ServerReflectionRequestSchema, { host: "h", messageRequest });
    }
    return await collect(handlersV1.serverReflectionInfo(requests(), call));
  }

  async function askV1alpha(question: Question) {
    async function* requests() {
      yield create(RequestSchemaV1alpha, { host: "h", messageRequest: question as never });
    }
    return await collect(handlersV1alpha.serverReflectionInfo(requests(), call));
  }

  /** Names of the files in each answer, or the code of the refusal. */
  async function files(...questions: Question[]) {
    return (await ask(...questions)).map(({ messageResponse }) => {
      if (messageResponse.case === "errorResponse") return messageResponse.value.errorCode;
      if (messageResponse.case !== "fileDescriptorResponse") throw new Error("another kind of answer");
      return messageResponse.value.fileDescriptorProto.map(
        (bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name,
      );
    });
  }
  return { ask, askV1alpha, files };
}

interface Reply {
  readonly messageResponse: { readonly case: string | undefined; readonly value?: unknown };
}

function filesIn(answer: Reply | undefined): Uint8Array[] {
  if (answer?.messageResponse.case !== "fileDescriptorResponse") throw new Error("another kind of answer");
  return (answer.messageResponse.value as { fileDescriptorProto: Uint8Array[] }).fileDescriptorProto;
}

const symbol = (value: string): Question => ({ case: "fileContainingSymbol", value });
const file = (value: string): Question => ({ case: "fileByFilename", value });

describe("reflection", () => {
  it("lists the services that are served, not those that are described", async () => {
    const [answer] = await start().ask({ case: "listServices", value: "" });
    expect(answer?.messageResponse).toMatchObject({
      case: "listServicesResponse",
      value: { service: [{ name: "top.v1.TopService" }, { name: "x.Y" }] },
    });
  });

  it("sends a file first and then its imports, direct and indirect, each once", async () => {
    expect(await start().files(file("top.proto"))).toEqual([["top.proto", "middle.proto", "base.proto"]]);
  });

  it("sends the original bytes: what it cannot read itself is kept to the bit", async () => {
    const [answer] = await start().ask(file("top.proto"));
    const [bytes] = filesIn(answer);
    expect(Buffer.from(bytes ?? []).equals(topBytes)).toBe(true);
  });

  it.each([
    ["service", "top.v1.TopService"],
    ["method", "top.v1.TopService.Ask"],
    ["message", "top.v1.Outer"],
    ["field", "top.v1.Outer.text"],
    ["oneof", "top.v1.Outer.choice"],
    ["nested message", "top.v1.Outer.Inner"],
    ["field of a nested message", "top.v1.Outer.Inner.deep"],
    ["nested enum", "top.v1.Outer.Mood"],
    ["value of a nested enum", "top.v1.Outer.MOOD_GOOD"],
    ["nested extension", "top.v1.Outer.nested_low"],
    ["enum", "top.v1.Color"],
    ["enum value", "top.v1.COLOR_RED"],
  ])("finds the file of a %s", async (_kind, name) => {
    expect(await start().files(symbol(name))).toEqual([["top.proto", "middle.proto", "base.proto"]]);
  });

  it("finds the file of an extension by its name and by what it extends", async () => {
    const byNumber = (extensionNumber: number): Question =>
      ({ case: "fileContainingExtension", value: { containingType: "base.Extended", extensionNumber } }) as Question;
    const { files } = start();
    expect(await files(symbol("middle.high"))).toEqual([["middle.proto", "base.proto"]]);
    expect(await files(byNumber(120))).toEqual([["middle.proto", "base.proto"]]);
    expect(await files(byNumber(101))).toEqual([["top.proto", "middle.proto", "base.proto"]]);
    expect(await files(byNumber(102))).toEqual([5]);
  });

  it("sends imports once a stream, and what was asked for always", async () => {
    const { files } = start();
    expect(await files(file("middle.proto"), file("top.proto"), file("top.proto"), file("base.proto"))).toEqual([
      ["middle.proto", "base.proto"],
      ["top.proto"],
      ["top.proto"],
      ["base.proto"],
    ]);
    expect(await files(file("middle.proto"))).toEqual([["middle.proto", "base.proto"]]);
  });

  it("lists the numbers of extensions, none for a message without", async () => {
    const numbers = (value: string): Question => ({ case: "allExtensionNumbersOfType", value });
    const answers = await start().ask(numbers("base.Extended"), numbers("base.Plain"), numbers("base.Absent"));
    expect(answers.map(({ messageResponse }) => messageResponse)).toMatchObject([
      { case: "allExtensionNumbersResponse", value: { baseTypeName: "base.Extended", extensionNumber: [101, 120] } },
      { case: "allExtensionNumbersResponse", value: { baseTypeName: "base.Plain", extensionNumber: [] } },
      { case: "errorResponse", value: { errorCode: 5 } },
    ]);
  });

  it("answers what it does not know with NOT_FOUND, echoes no input, and goes on", async () => {
    const { ask, files } = start();
    const strange = ["", "nowhere", "../../etc/passwd", "__proto__", "constructor", ".top.v1.Outer"];
    expect(await files(...strange.flatMap((name) => [symbol(name), file(name)]))).toEqual(
      strange.flatMap(() => [5, 5]),
    );
    const [refusal, next] = await ask(symbol("<script>"), file("base.proto"));
    expect(JSON.stringify(refusal?.messageResponse)).not.toContain("script");
    expect(next?.messageResponse.case).toBe("fileDescriptorResponse");
  });

  it("answers a request without a question with INVALID_ARGUMENT", async () => {
    expect(await start().files({ case: undefined })).toEqual([3]);
  });

  it("echoes host and request", async () => {
    const [answer] = await start().ask(file("base.proto"));
    expect(answer).toMatchObject({
      validHost: "h",
      originalRequest: { host: "h", messageRequest: { case: "fileByFilename", value: "base.proto" } },
    });
  });

  it("says the same in v1alpha, under its own names", async () => {
    const { ask, askV1alpha } = start();
    const [old] = await askV1alpha(file("top.proto"));
    const [current] = await ask(file("top.proto"));
    expect(old?.$typeName).toBe("grpc.reflection.v1alpha.ServerReflectionResponse");
    expect(old?.originalRequest?.$typeName).toBe("grpc.reflection.v1alpha.ServerReflectionRequest");
    expect(old?.messageResponse.case).toBe("fileDescriptorResponse");
    expect(filesIn(old)).toEqual(filesIn(current));
  });

  it("reads the descriptors at the first use, once for all, and again after a failure", async () => {
    let reads = 0;
    const { files } = start(async () => {
      reads += 1;
      if (reads === 1) throw new Error("no such file");
      return descriptorSet;
    });
    expect(reads).toBe(0);
    await expect(files(file("base.proto"))).rejects.toThrow("the descriptors cannot be read");
    await Promise.all([files(file("base.proto")), files(file("top.proto"))]);
    expect(reads).toBe(2);
  });

  it("refuses descriptors that are cut off", async () => {
    const { files } = start(async () => descriptorSet.subarray(0, -4));
    await expect(files(file("base.proto"))).rejects.toThrow("the descriptors cannot be read");
  });
});
