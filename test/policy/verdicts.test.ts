// Every method by every kind of caller, by every way into the chain, against a table that is reviewed: a change of who may
// call what is a change of verdicts.golden.txt. `UPDATE_GOLDEN=1 npx vitest run test/policy` writes it anew.
import { readFileSync, writeFileSync } from "node:fs";
import { create, type DescMethod, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../src/kernel/errors.ts";
import { nowhere, parseNetworks } from "../../src/kernel/networks.ts";
import type { Failure, Reply } from "../../src/rpc/chain.ts";
import type { Incoming } from "../../src/rpc/exchange.ts";
import type { MethodEntry } from "../../src/rpc/policy.ts";
import { resourceOf } from "../../src/rpc/steps/authorise.ts";
import { bearing, createFakeChain, type FakeChain, incomingOf } from "../fakes/chain.ts";
import { ownServices } from "../fakes/scripted-services.ts";
import { readStatus } from "../fakes/status.ts";
import { adminNetwork, type Caller, callersOf, stepUpAgeMs } from "./callers.ts";
import { validRequests } from "./requests.ts";

const golden = new URL("verdicts.golden.txt", import.meta.url);
const methods = ownServices.flatMap((service) => service.methods);

const words: Readonly<Record<string, string>> = {
  OK: "yes",
  CREDENTIAL_MISSING: "who?",
  CREDENTIAL_INVALID: "who?",
  PERMISSION_DENIED: "no",
  SCOPE_MISSING: "scope",
  NETWORK_NOT_ALLOWED: "network",
  STEP_UP_REQUIRED: "step-up",
};

function entryOf(method: DescMethod): MethodEntry {
  const entry = fake.table.get(`/${method.parent.typeName}/${method.name}`);
  if (entry === undefined) throw new Error(`${method.name} is not served`);
  return entry;
}

function requestOf(method: DescMethod): Uint8Array {
  const request = validRequests[`${method.parent.name}/${method.name}`];
  return toBinary(method.input, create(method.input, request as never));
}

/** The same method as a stream of answers: the same policy, the same steps. */
function streaming(entry: MethodEntry): MethodEntry {
  const method = { ...entry.method, methodKind: "server_streaming" } as unknown as DescMethod;
  const handler = async function* () {
    yield create(entry.method.output);
  };
  return { ...entry, method, handler };
}

/** And as a call with one answer. */
function unary(entry: MethodEntry): MethodEntry {
  if (entry.method.methodKind === "unary") return entry;
  const method = { ...entry.method, methodKind: "unary" } as unknown as DescMethod;
  return { ...entry, method, handler: async () => create(entry.method.output) };
}

async function* one(body: Uint8Array) {
  yield body;
}

async function lastOf(stream: AsyncGenerator<Uint8Array, Failure | undefined>): Promise<Reply> {
  const first = await stream.next();
  const last = first.done ? first : await stream.next();
  return last.value === undefined || last.value instanceof Uint8Array
    ? { bytes: new Uint8Array(0) }
    : { failure: last.value };
}

type Way = (fake: FakeChain, entry: MethodEntry, incoming: Incoming, body: Uint8Array) => Promise<Reply>;

const ways: Readonly<Record<string, Way>> = {
  unary: async ({ chain }, entry, incoming, body) => chain.unary(unary(entry), incoming, body),
  "unary by admission": async ({ chain }, entry, incoming, body) => {
    const admission = await chain.admit(unary(entry), incoming);
    return "failure" in admission ? admission : admission.unary(body);
  },
  stream: ({ chain }, entry, incoming, body) => lastOf(chain.stream(streaming(entry), incoming, one(body))),
  "stream by admission": async ({ chain }, entry, incoming, body) => {
    const admission = await chain.admit(streaming(entry), incoming);
    return "failure" in admission ? admission : lastOf(admission.stream(one(body)));
  },
};

const certificate = {
  spiffeId: "spiffe://gatehouse.test/billing",
  dnsNames: ["billing.test"],
  thumbprint: "t",
  expiresAt: new Date(4_102_444_800_000),
};

/** One chain for all of them: whom a token speaks for is told anew for each call. */
let speaking: Caller["token"];
let shown: Caller["certificate"];
const fake = createFakeChain({
  authenticator: {
    authenticate(_token, _now) {
      if (speaking === undefined || typeof speaking === "string")
        throw new GatehouseError(speaking ?? "TOKEN_MALFORMED");
      return speaking;
    },
  },
  workloads: {
    requireLive() {
      if (shown?.revoked) throw new GatehouseError("CREDENTIAL_INVALID");
    },
    principalOf: () => shown?.boundTo,
  },
  access: { stepUpAgeMs, secondFactor: false, adminNetworks: () => parseNetworks(adminNetwork) ?? nowhere },
});

async function judge(method: DescMethod, caller: Caller, way: Way): Promise<string> {
  const { token, address } = caller;
  speaking = token;
  shown = caller.certificate;
  const incoming = incomingOf({ address, metadata: token === undefined ? {} : bearing("t") });
  const peer = shown ? { ...incoming.peer, certificate } : incoming.peer;
  const reply = await way(fake, entryOf(method), { ...incoming, peer }, requestOf(method));
  const reason = "failure" in reply ? (readStatus(reply.failure.status).info?.reason ?? "no reason") : "OK";
  return words[reason] ?? reason;
}

function callersFor(method: DescMethod): readonly Caller[] {
  const entry = entryOf(method);
  const request = create(method.input, validRequests[`${method.parent.name}/${method.name}`] as never);
  return callersOf(entry.permission || "some.permission", resourceOf({ entry, request }));
}

function grid(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const padded = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${padded.join("\n")}\n`;
}

async function verdicts(way: Way): Promise<string> {
  const head = ["method", ...callersFor(methods[0] as DescMethod).map(({ name }) => name.replaceAll(" ", "-"))];
  const lines: string[][] = [];
  for (const method of methods) {
    const cells = [`${method.parent.name}/${method.name}`];
    for (const caller of callersFor(method)) cells.push(await judge(method, caller, way));
    lines.push(cells);
  }
  return grid([head, ...lines.toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1))]);
}

describe("who may call what", () => {
  it.each(Object.entries(ways))("AZ-02 RPC-12 T-01 is the table that was reviewed, by %s", async (_name, way) => {
    const found = await verdicts(way);
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(golden, found);
    expect(found).toBe(readFileSync(golden, "utf8"));
  });
});
