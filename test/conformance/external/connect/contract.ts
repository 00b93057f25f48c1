// The contract of the conformance suite, read from the suite's own source, given the policies that every method here must
// have. Nothing of it is kept in this repository.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescService,
  type FileRegistry,
  fromBinary,
  setExtension,
} from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  type MethodDescriptorProto,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { policy as policyOption } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { foreignPolicies } from "../../../../src/rpc/foreign-policies.ts";
import { sourceOfGoTool } from "../../../../tools/go-tools.ts";

const prefix = "connectrpc.conformance.v1";
const serviceName = `${prefix}.ConformanceService`;

/** Compiles the suite's contracts into one file of descriptors. */
export function buildDescriptors(into: string): void {
  const source = join(sourceOfGoTool("connectconformance"), "proto");
  execFileSync("buf", ["build", source, "--as-file-descriptor-set", "-o", into], { stdio: "pipe" });
}

function givePolicy(method: MethodDescriptorProto, maxRequestBytes: number): void {
  const options = method.options ?? create(MethodOptionsSchema);
  // As open as health, the other service whose contract is not ours.
  const open = foreignPolicies.get("grpc.health.v1.Health/Check");
  if (open === undefined) throw new TypeError("health has no policy");
  setExtension(options, policyOption, { ...open, maxRequestBytes });
  method.options = options;
}

/** The suite wants one method to be unknown, and no contract of ours streams towards the server alone: on the wire that is a bidi stream. */
function asServed(file: FileDescriptorProto, maxRequestBytes: number): void {
  for (const service of file.service) {
    service.method = service.method.filter(({ name }) => name !== "Unimplemented");
    for (const method of service.method) {
      givePolicy(method, maxRequestBytes);
      if (method.clientStreaming) method.serverStreaming = true;
    }
  }
}

export interface SuiteContract {
  readonly service: DescService;
  readonly types: FileRegistry;
  message(name: string): DescMessage;
}

/** `maxRequestBytes` = 0 for the default. */
export function readContract(descriptors: string, maxRequestBytes: number): SuiteContract {
  const files = fromBinary(FileDescriptorSetSchema, readFileSync(descriptors));
  for (const file of files.file) if (file.package === prefix) asServed(file, maxRequestBytes);
  const registry = createFileRegistry(files);
  const service = registry.getService(serviceName);
  if (service === undefined) throw new TypeError("the suite's contract has no ConformanceService");
  return {
    service,
    types: registry,
    message(name) {
      const found = registry.getMessage(`${prefix}.${name}`);
      if (found === undefined) throw new TypeError(`the suite's contract has no ${name}`);
      return found;
    },
  };
}
