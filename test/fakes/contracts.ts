// A few contracts for tests of handlers that explain access.
import type { Contracts, MethodContract } from "../../src/kernel/contracts.ts";

const whole = { grant: "whole", stepUp: false, secondFactor: false, adminNetwork: false } as const;

const methods: readonly MethodContract[] = [
  {
    name: "t.v1.Things/Read",
    permission: "things.read",
    resourceType: "things",
    demand: { permission: "things.read", ...whole },
  },
  {
    name: "t.v1.Things/List",
    permission: "things.list",
    resourceType: "principals",
    demand: { permission: "things.list", ...whole, stepUp: true },
    ownDemand: { permission: "things.list", grant: "scope", stepUp: false, secondFactor: false, adminNetwork: false },
  },
  {
    name: "t.v1.Things/Own",
    permission: "things.own",
    resourceType: "",
    demand: { permission: "things.own", grant: "none", stepUp: true, secondFactor: false, adminNetwork: true },
  },
];

export const fakeContracts: Contracts = {
  method: (name) => methods.find((method) => method.name === name),
  permissions: () => new Set(methods.map(({ permission }) => permission)),
};
