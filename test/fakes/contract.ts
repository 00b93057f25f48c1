// Contracts made up by a test: one service with one method, and fields as the test wants them.
import { create, createFileRegistry, type DescService, type MessageInitShape, setExtension } from "@bufbuild/protobuf";
import {
  FieldDescriptorProtoSchema,
  FieldOptionsSchema,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  MethodOptionsSchema,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import {
  data,
  type FieldData,
  MethodPolicySchema,
  file_gatehouse_options_v1_policy as optionsFile,
  Priority,
  policy as policyOption,
} from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";

export interface FieldSketch {
  readonly name: string;
  readonly type?: Type;
  readonly typeName?: string;
  readonly repeated?: boolean;
  readonly data?: FieldData;
  readonly redact?: boolean;
}

export interface ContractSketch {
  /** Undefined = the method has no policy at all. */
  readonly policy?: MessageInitShape<typeof MethodPolicySchema>;
  readonly request?: readonly FieldSketch[];
  readonly response?: readonly FieldSketch[];
  /** A message that fields may refer to as `.gatehouse.test.v1.Inner`. */
  readonly inner?: readonly FieldSketch[];
  readonly stream?: boolean;
}

function fieldOf(sketch: FieldSketch, index: number) {
  const options = create(FieldOptionsSchema, sketch.redact === undefined ? {} : { debugRedact: sketch.redact });
  if (sketch.data !== undefined) setExtension(options, data, sketch.data);
  return create(FieldDescriptorProtoSchema, {
    name: sketch.name,
    number: index + 1,
    label: sketch.repeated ? Label.REPEATED : Label.OPTIONAL,
    type: sketch.type ?? Type.STRING,
    options,
    ...(sketch.typeName === undefined ? {} : { typeName: sketch.typeName }),
  });
}

function methodOptionsOf(policy: ContractSketch["policy"]) {
  const options = create(MethodOptionsSchema);
  if (policy !== undefined)
    setExtension(options, policyOption, create(MethodPolicySchema, { priority: Priority.NORMAL, ...policy }));
  return options;
}

/** `gatehouse.test.v1.TestService` with its one method `Act`. */
export function contractOf(sketch: ContractSketch): DescService {
  const message = (name: string, fields: readonly FieldSketch[] = []) => ({ name, field: fields.map(fieldOf) });
  const file = create(FileDescriptorProtoSchema, {
    name: "gatehouse/test/v1/test.proto",
    package: "gatehouse.test.v1",
    syntax: "proto3",
    dependency: ["gatehouse/options/v1/policy.proto"],
    messageType: [
      message("ActRequest", sketch.request),
      message("ActResponse", sketch.response),
      message("Inner", sketch.inner),
    ],
    service: [
      {
        name: "TestService",
        method: [
          {
            name: "Act",
            inputType: ".gatehouse.test.v1.ActRequest",
            outputType: ".gatehouse.test.v1.ActResponse",
            options: methodOptionsOf(sketch.policy),
            serverStreaming: sketch.stream ?? false,
          },
        ],
      },
    ],
  });
  const service = createFileRegistry(file, (name) =>
    name === "gatehouse/options/v1/policy.proto" ? optionsFile : undefined,
  ).getService("gatehouse.test.v1.TestService");
  if (service === undefined) throw new TypeError("the contract has no service");
  return service;
}
