// The contracts as the policy table has them, for slices that explain access. Made when somebody first asks.
import { type DescService, hasOption } from "@bufbuild/protobuf";
import { Access, policy } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import type { Contracts, MethodContract } from "./kernel/contracts.ts";
import { createPolicyTable, type MethodEntry } from "./rpc/policy.ts";
import { servedServices } from "./served-services.ts";

/** The table asks for a handler of each method, so that none is forgotten; here nothing is called. */
export function described(service: DescService) {
  return {
    service,
    handlers: Object.fromEntries(service.methods.map((method) => [method.localName, () => undefined])),
  };
}

function contractOf({ name, access, demand, ownDemand, permission, resourceType }: MethodEntry): MethodContract {
  return { name, demand, permission, resourceType, ...(access === Access.SELF ? { ownDemand } : {}) };
}

function read(): ReadonlyMap<string, MethodContract> {
  const ours = servedServices.filter(({ methods }) => methods.every((method) => hasOption(method, policy)));
  const table = createPolicyTable(ours.map(described));
  return new Map([...table.values()].map((entry) => [entry.name, contractOf(entry)]));
}

export function createContracts(): Contracts {
  let known: ReadonlyMap<string, MethodContract> | undefined;
  const methods = () => {
    known ??= read();
    return known;
  };
  return {
    method: (name) => methods().get(name),
    permissions: () =>
      new Set([...methods().values()].flatMap(({ permission }) => (permission === "" ? [] : permission))),
  };
}
