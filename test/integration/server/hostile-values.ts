// What an attacker puts into a field, and requests that hold it, made from the descriptors.
import { create, type DescField, type DescMethod, ScalarType, toBinary } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { StructSchema } from "@bufbuild/protobuf/wkt";
import { validRequests } from "../../policy/requests.ts";

/** Stands in every text, so that whatever repeats it is found. */
export const marker = "hostile7f3a";

const hostileTexts: readonly string[] = [
  `${marker}'; drop table principals; --`,
  `${marker}' or '1'='1`,
  `${marker}\\'; select pg_sleep(9); --`,
  `$1 $2 ${marker} ?`,
  `../../../etc/passwd/${marker}`,
  `${marker}/../../..`,
  `%2e%2e%2f${marker}%00`,
  `${marker}\u0000after`,
  `${marker}\r\n{"level":"error","message":"forged"}`,
  `${marker}\u001b[2J\u001b]0;x\u0007`,
  `${marker}\u2028\u202e\ufeff\u200b`,
  `${marker}\ud7ff\u{10ffff}\u{1f4a9}`,
  `__proto__`,
  `constructor`,
  `{{${marker}}}\${7*7}<%= 7*7 %>`,
  `$(touch /tmp/${marker})\`id\`|id`,
  `<script>${marker}</script>`,
  `*)(uid=*))(|(${marker}=*`,
  marker.repeat(9_000),
  ` ${marker} `,
];

const numbers = [0, 1, -1, 2_147_483_647, -2_147_483_648];
const wide: readonly ScalarType[] = [ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64];
const hostileStruct = create(StructSchema, {
  fields: Object.fromEntries(
    ["__proto__", "constructor", "toString", "hasOwnProperty", marker].map((key) => [
      key,
      { kind: { case: "stringValue" as const, value: marker } },
    ]),
  ),
});

function valuesFor(field: DescField): readonly unknown[] {
  if (field.message?.typeName === "google.protobuf.Struct") return [hostileStruct];
  if (field.message !== undefined || field.fieldKind === "map") return [];
  if (field.enum !== undefined) return [99, -1];
  if (field.scalar === ScalarType.STRING) return hostileTexts;
  if (field.scalar === ScalarType.BYTES) return hostileTexts.map((text) => Buffer.from(text));
  if (field.scalar === ScalarType.BOOL) return [true];
  return wide.includes(field.scalar ?? ScalarType.INT32) ? numbers.map(BigInt) : numbers;
}

/** A request that is right but for this field. */
function withValue(method: DescMethod, field: DescField, value: unknown): Uint8Array {
  const valid = validRequests[`${method.parent.typeName.split(".").at(-1)}/${method.name}`] ?? {};
  const message = create(method.input, structuredClone(valid) as never);
  const writing = reflect(method.input, message, false);
  if (field.fieldKind === "list") writing.get(field).add(value as never);
  else if (field.message !== undefined) writing.set(field, reflect(field.message, value as never, false) as never);
  else writing.set(field, value as never);
  return toBinary(method.input, message);
}

/** The field in every form that is not its own, and in its own with bytes that are no text. */
function* wrongOnTheWire({ number }: DescField): Generator<Uint8Array> {
  yield new BinaryWriter()
    .tag(number, WireType.Varint)
    .uint64(2n ** 64n - 1n)
    .finish();
  yield new BinaryWriter().tag(number, WireType.Bit32).fixed32(7).finish();
  yield new BinaryWriter().tag(number, WireType.Bit64).fixed64(7n).finish();
  yield new BinaryWriter()
    .tag(number, WireType.LengthDelimited)
    .bytes(Buffer.from([0xc3, 0x28, 0xff, 0xfe]))
    .finish();
  yield new BinaryWriter().tag(number, WireType.StartGroup).finish();
  yield new BinaryWriter().tag(number, WireType.EndGroup).finish();
  yield Buffer.concat([
    new BinaryWriter().tag(number, WireType.LengthDelimited).finish(),
    Buffer.from([0xff, 0xff, 0x7f]),
  ]);
}

export function* hostileRequests(method: DescMethod): Generator<Uint8Array> {
  for (const field of method.input.fields) {
    for (const value of valuesFor(field)) yield withValue(method, field, value);
    yield* wrongOnTheWire(field);
  }
}

/** Documents that are JSON and no request of this method, some of which would reach a prototype if anybody merged them. */
export function hostileDocuments(method: DescMethod): readonly string[] {
  const polluting = `{"__proto__":{"polluted":"${marker}"},"constructor":{"prototype":{"polluted":"${marker}"}}}`;
  const wrongly = method.input.fields.flatMap(({ jsonName }) =>
    [`{"x":1}`, "[[[]]]", "1e400", "true", `"${marker}"`, polluting].map((value) => `{"${jsonName}":${value}}`),
  );
  return [polluting, "[]", "null", `"${marker}"`, `${"[".repeat(5_000)}`, `{"${marker}":1}`, ...wrongly];
}
