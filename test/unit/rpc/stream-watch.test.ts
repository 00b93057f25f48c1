// Streams that are not PUBLIC: they pass the whole chain, cost no check for a message, and end with their credential.
import { create, type DescMethod, toBinary } from "@bufbuild/protobuf";
import {
  Access,
  AuditCategory,
  AuditMode,
  FieldData,
  LimitClass,
} from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import type { Call } from "../../../src/kernel/handler.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import type { Failure } from "../../../src/rpc/chain.ts";
import { bearing, createFakeChain, incomingOf, noon } from "../../fakes/chain.ts";
import { contractOf } from "../../fakes/contract.ts";
import { allow, principalOf } from "../../fakes/principal.ts";
import { readStatus } from "../../fakes/status.ts";

const service = contractOf({
  policy: {
    access: Access.PERMISSION,
    permission: "things.watch",
    resourceType: "things",
    resourceField: "name",
    limitClass: LimitClass.READ,
    auditEvent: "thing.watched",
    auditMode: AuditMode.BLOCKING,
    auditCategory: AuditCategory.DATA_ACCESS,
  },
  request: [{ name: "name", data: FieldData.PUBLIC }],
  response: [{ name: "what", data: FieldData.PUBLIC }],
  stream: true,
});
const method = service.method.act as DescMethod;

const message = (what: string) => create(method.output, { what } as never);

const holder = principalOf({ grants: [allow("things.watch", "things/a")] });

interface Knobs {
  authenticate: () => Principal | Promise<Principal>;
  now: Date;
}

/** A stream whose handler gives one message and then hangs for ever, whatever its signal says. */
function open(options: { readonly handler?: (call: Call) => AsyncIterable<object>; readonly deadline?: number } = {}) {
  const asked = { count: 0 };
  const knobs: Knobs = { authenticate: () => holder, now: noon };
  const calls: Call[] = [];
  const hang = async function* () {
    yield message("first");
    await new Promise(() => {});
  };
  const fake = createFakeChain({
    clock: { now: () => knobs.now },
    authenticator: {
      authenticate: () => {
        asked.count++;
        return knobs.authenticate();
      },
    },
    more: [
      {
        service,
        handlers: {
          act: (_request: object, call: Call) => {
            calls.push(call);
            return (options.handler ?? hang)(call);
          },
        },
      },
    ],
  });
  const entry = fake.table.get("/gatehouse.test.v1.TestService/Act");
  if (entry === undefined) throw new TypeError("no such method is served");
  let cancel = () => {};
  const incoming = incomingOf({
    metadata: bearing("t"),
    ...(options.deadline === undefined ? {} : { deadline: options.deadline }),
    onCancel: (listener) => {
      cancel = listener;
    },
  });
  const body = toBinary(method.input, create(method.input, { name: "a" } as never));
  const requests = (async function* () {
    yield body;
  })();
  return { ...fake, entry, incoming, requests, body, knobs, asked, calls, cancel: () => cancel() };
}

type Opened = ReturnType<typeof open>;

function reasonOf(failure: Failure | undefined): string | undefined {
  return failure === undefined ? "OK" : readStatus(failure.status).info?.reason;
}

/** Reads the first message and answers how the stream ends from then on. */
async function afterFirst(opened: Opened) {
  const stream = opened.chain.stream(opened.entry, opened.incoming, opened.requests);
  expect(await stream.next()).toMatchObject({ done: false });
  return { ending: stream.next(), stream };
}

async function endOf(ending: Promise<IteratorResult<Uint8Array, Failure | undefined>>) {
  await vi.advanceTimersByTimeAsync(1_000);
  const { done, value } = await ending;
  expect(done).toBe(true);
  return reasonOf(value as Failure | undefined);
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a stream that is not public", () => {
  it.each([
    ["revoked", new GatehouseError("TOKEN_REVOKED"), "CREDENTIAL_INVALID"],
    ["expired", new GatehouseError("TOKEN_EXPIRED"), "CREDENTIAL_INVALID"],
    ["not to be checked any more", new GatehouseError("DATABASE_UNAVAILABLE"), "DATABASE_UNAVAILABLE"],
  ])("AZ-07 ends within a second when its credential is %s, though its handler hangs", async (_how, error, reason) => {
    for (const late of [false, true]) {
      const opened = open();
      const { ending } = await afterFirst(opened);
      opened.knobs.authenticate = () => {
        if (!late) throw error;
        return Promise.reject(error);
      };
      expect(await endOf(ending)).toBe(reason);
      expect(opened.calls[0]?.signal.aborted).toBe(true);
    }
  });

  it("AZ-07 ends within a second when its grant is taken away", async () => {
    const opened = open();
    const { ending } = await afterFirst(opened);
    opened.knobs.authenticate = () => principalOf({ grants: [] });
    expect(await endOf(ending)).toBe("PERMISSION_DENIED");
  });

  it("AZ-07 ends when its grant expires", async () => {
    const opened = open();
    const ends = noon.getTime() + 10_000;
    opened.knobs.authenticate = () => principalOf({ grants: [allow("things.watch", "things/a", ends)] });
    const { ending } = await afterFirst(opened);
    opened.knobs.now = new Date(ends);
    expect(await endOf(ending)).toBe("PERMISSION_DENIED");
  });

  it("AZ-07 shows its handler what the caller may do now, not what it could at the start", async () => {
    const opened = open();
    const { stream } = await afterFirst(opened);
    opened.knobs.authenticate = () =>
      principalOf({ grants: [allow("things.watch", "things/a"), allow("things.read", "things/a")] });
    expect(opened.calls[0]?.holds("things.read", "things/a")).toBe(false);
    await vi.advanceTimersByTimeAsync(500);
    expect(opened.calls[0]?.holds("things.read", "things/a")).toBe(true);
    opened.cancel();
    await stream.next();
  });

  it("AZ-07 costs no check for a message", async () => {
    const opened = open({
      handler: async function* () {
        for (let i = 0; i < 10_000; i++) yield message(String(i));
      },
    });
    let messages = 0;
    for await (const _message of opened.chain.stream(opened.entry, opened.incoming, opened.requests)) messages++;
    expect({ messages, checks: opened.asked.count }).toEqual({ messages: 10_000, checks: 1 });
  });

  it("AZ-07 asks only once at a time, however slow the answer", async () => {
    const opened = open();
    const { stream } = await afterFirst(opened);
    opened.knobs.authenticate = () => new Promise(() => {});
    await vi.advanceTimersByTimeAsync(5_000);
    expect(opened.asked.count).toBe(2);
    opened.cancel();
    await stream.next();
  });

  it("RPC-05 ends at its caller's deadline", async () => {
    const opened = open({ deadline: noon.getTime() + 60_000 });
    const { ending } = await afterFirst(opened);
    opened.knobs.now = new Date(noon.getTime() + 60_000);
    expect(await endOf(ending)).toBe("DEADLINE_EXCEEDED");
  });

  it("AZ-07 leaves nothing behind when its caller goes away, and no timer runs for nobody", async () => {
    const opened = open();
    const { ending } = await afterFirst(opened);
    expect(vi.getTimerCount()).toBe(1);
    opened.cancel();
    expect(await endOf(ending)).toBe("CANCELLED");
    expect(opened.calls[0]?.signal.aborted).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    expect(opened.recorder.drafts.map(({ outcome, details }) => [outcome, details.stream])).toEqual([
      ["SUCCESS", "opened"],
      ["SUCCESS", "closed"],
    ]);
  });

  it("AZ-07 closes its handler when the door stops reading", async () => {
    const closed: string[] = [];
    const opened = open({
      handler: async function* () {
        try {
          yield message("first");
          yield message("second");
        } finally {
          closed.push("handler");
        }
      },
    });
    const stream = opened.chain.stream(opened.entry, opened.incoming, opened.requests);
    await stream.next();
    await stream.return(undefined);
    expect(closed).toEqual(["handler"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the steps of a stream", () => {
  it.each([
    ["a credential", () => Promise.reject(new GatehouseError("TOKEN_EXPIRED")), "CREDENTIAL_INVALID"],
    ["a grant", () => principalOf(), "PERMISSION_DENIED"],
    ["a scope", () => principalOf({ grants: [...holder.standing.grants], scopes: ["other"] }), "SCOPE_MISSING"],
  ] as const)("RPC-12 AZ-02 refuse it without %s, by both ways in", async (_what, authenticate, reason) => {
    const direct = open();
    direct.knobs.authenticate = authenticate;
    const ended = await direct.chain.stream(direct.entry, direct.incoming, direct.requests).next();
    expect(reasonOf(ended.value as Failure)).toBe(reason);
    expect(direct.calls).toEqual([]);

    const gated = open();
    gated.knobs.authenticate = authenticate;
    const admission = await gated.chain.admit(gated.entry, gated.incoming);
    const failure =
      "failure" in admission ? admission.failure : ((await admission.stream(gated.requests).next()).value as Failure);
    expect(reasonOf(failure)).toBe(reason);
    expect(gated.calls).toEqual([]);
    expect(gated.recorder.drafts).toMatchObject([{ category: "POLICY_DENIED", outcome: "FAILURE" }]);
  });

  it("AUD-01 RPC-12 have it on record before its first message, and tell how it ended", async () => {
    const opened = open();
    const { ending } = await afterFirst(opened);
    expect(opened.recorder.drafts).toMatchObject([
      { outcome: "SUCCESS", resources: [{ type: "thing", uid: "a" }], details: { stream: "opened" } },
    ]);
    opened.knobs.authenticate = () => {
      throw new GatehouseError("TOKEN_REVOKED");
    };
    await endOf(ending);
    const [first, second, ...more] = opened.recorder.drafts;
    expect(second).toMatchObject({ outcome: "FAILURE", reason: "TOKEN_REVOKED", details: { stream: "closed" } });
    expect(second?.eventId).not.toBe(first?.eventId);
    expect(more).toEqual([]);
  });

  it("AUD-01 do not begin what cannot be recorded", async () => {
    const opened = open();
    opened.recorder.break();
    const ended = await opened.chain.stream(opened.entry, opened.incoming, opened.requests).next();
    expect(reasonOf(ended.value as Failure)).toBe("AUDIT_UNAVAILABLE");
    expect(opened.calls).toEqual([]);
  });
});
