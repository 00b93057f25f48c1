// One message with every way to carry text: marked and unmarked, in lists, maps, oneofs, messages and messages of others.
import {
  create,
  createFileRegistry,
  type DescFile,
  type DescMessage,
  type Message,
  setExtension,
} from "@bufbuild/protobuf";
import {
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import {
  data,
  FieldData,
  file_gatehouse_options_v1_policy as optionsFile,
} from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

const { PUBLIC, SECRET, UNSPECIFIED } = FieldData;
const odd = ".gatehouse.test.v1.Odd";

type Sketch = readonly [
  name: string,
  type: Type | string,
  kind?: FieldData,
  more?: { repeated?: true; oneofIndex?: 0 },
];

const sketches: readonly Sketch[] = [
  ["shown", Type.STRING, PUBLIC],
  ["unmarked", Type.STRING],
  ["unmarked_bytes", Type.BYTES],
  ["shown_bytes", Type.BYTES, PUBLIC],
  ["unmarked_list", Type.STRING, UNSPECIFIED, { repeated: true }],
  ["unmarked_map", `${odd}.UnmarkedMapEntry`, UNSPECIFIED, { repeated: true }],
  ["shown_map", `${odd}.ShownMapEntry`, PUBLIC, { repeated: true }],
  ["message_map", `${odd}.MessageMapEntry`, UNSPECIFIED, { repeated: true }],
  ["chosen_text", Type.STRING, UNSPECIFIED, { oneofIndex: 0 }],
  ["chosen_message", odd, UNSPECIFIED, { oneofIndex: 0 }],
  ["child", odd],
  ["secret_message", odd, SECRET],
  ["secret_number", Type.INT32, SECRET],
  ["flag", Type.BOOL],
  ["large", Type.INT64],
  ["any", ".google.protobuf.Any"],
  ["struct", ".google.protobuf.Struct"],
  ["shown_struct", ".google.protobuf.Struct", PUBLIC],
  ["wrapped", ".google.protobuf.StringValue"],
  ["duration", ".google.protobuf.Duration"],
  ["field_mask", ".google.protobuf.FieldMask"],
];

function fieldOf([name, type, kind, more]: Sketch, index: number) {
  const options = create(FieldOptionsSchema);
  if (kind !== undefined && kind !== UNSPECIFIED) setExtension(options, data, kind);
  return create(FieldDescriptorProtoSchema, {
    name,
    number: index + 1,
    label: more?.repeated ? Label.REPEATED : Label.OPTIONAL,
    ...(typeof type === "string" ? { type: Type.MESSAGE, typeName: type } : { type }),
    ...(more?.oneofIndex === undefined ? {} : { oneofIndex: more.oneofIndex }),
    options,
  });
}

function entryOf(name: string, value: Type | string) {
  const fields: readonly Sketch[] = [
    ["key", Type.STRING],
    ["value", value],
  ];
  return { name, field: fields.map(fieldOf), options: { mapEntry: true } };
}

const needed: readonly DescFile[] = [
  optionsFile,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_wrappers,
];

function findOdd(): DescMessage {
  const file = create(FileDescriptorProtoSchema, {
    name: "gatehouse/test/v1/odd.proto",
    package: "gatehouse.test.v1",
    syntax: "proto3",
    dependency: needed.map(({ proto }) => proto.name),
    messageType: [
      {
        name: "Odd",
        field: sketches.map(fieldOf),
        oneofDecl: [{ name: "choice" }],
        nestedType: [
          entryOf("UnmarkedMapEntry", Type.STRING),
          entryOf("ShownMapEntry", Type.STRING),
          entryOf("MessageMapEntry", odd),
        ],
      },
    ],
  });
  const registry = createFileRegistry(file, (name) => needed.find(({ proto }) => proto.name === name));
  const found = registry.getMessage("gatehouse.test.v1.Odd");
  if (found === undefined) throw new TypeError("the odd message is not there");
  return found;
}

export const oddSchema = findOdd();

export function oddMessage(fields: Record<string, unknown>): Message {
  return create(oddSchema, fields as never);
}
