// Deadlines: a late handler is not waited for and cannot begin to write; one that is committing is awaited.
import { create } from "@bufbuild/protobuf";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { PutSecretResponseSchema, SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import type { Call } from "../../../src/kernel/handler.ts";
import { bearing, callThrough, createFakeChain, incomingOf, noon } from "../../fakes/chain.ts";
import { allow, principalOf } from "../../fakes/principal.ts";
import type { ScriptedHandler } from "../../fakes/scripted-services.ts";
import { readStatus } from "../../fakes/status.ts";

const { putSecret } = SecretsService.method;
const { whoAmI } = AuthService.method;
const tokens = { t: principalOf({ grants: [allow("*", "")] }) };
const answer = create(PutSecretResponseSchema);
const never = new Promise<never>(() => {});

/** A PutSecret whose handler is scripted, and the caller's hands on its clock and its connection. */
function start(handler: ScriptedHandler) {
  const { promise: gone, resolve: hangUp } = Promise.withResolvers<void>();
  const chain = createFakeChain({ tokens, script: { "SecretsService/PutSecret": handler } });
  const put = async (deadline?: number) => {
    const incoming = incomingOf({
      metadata: bearing("t"),
      ...(deadline === undefined ? {} : { deadline }),
      onCancel: (listener) => {
        void gone.then(listener);
      },
    });
    const reply = await callThrough(chain, putSecret, { path: "a", value: Buffer.from("v") }, incoming);
    return "answer" in reply ? "OK" : (readStatus(reply.failure.status).info?.reason ?? "");
  };
  return { ...chain, put, hangUp };
}

const inMs = (ms: number) => noon.getTime() + ms;

describe("a deadline", () => {
  it.each([-1, 0])("RPC-05 that has passed (%d ms) costs nothing: the credential is not even looked at", async (ms) => {
    let called = false;
    const asked: string[] = [];
    const chain = createFakeChain({
      authenticator: {
        authenticate: (token) => {
          asked.push(token);
          return principalOf();
        },
      },
      script: {
        "AuthService/WhoAmI": async () => {
          called = true;
          return {};
        },
      },
    });
    const reply = await callThrough(chain, whoAmI, {}, incomingOf({ metadata: bearing("t"), deadline: inMs(ms) }));
    expect("failure" in reply && reply.failure.code).toBe(4);
    expect({ called, asked }).toEqual({ called: false, asked: [] });
  });

  it("RPC-05 ends the wait for a handler, and tells it", async () => {
    let reason: unknown;
    const { put, recorder } = start(async (_request, { signal }) => {
      signal.addEventListener("abort", () => {
        reason = signal.reason;
      });
      return never;
    });
    expect(await put(inMs(20))).toBe("DEADLINE_EXCEEDED");
    expect(reason).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(recorder.drafts).toMatchObject([{ reason: "DEADLINE_EXCEEDED", grpcCode: 4 }]);
  });

  it("RPC-05 is ours when the caller names none or one that is too far away", async () => {
    for (const deadline of [undefined, inMs(3_600_000)]) {
      const chain = createFakeChain({
        tokens,
        deadline: { defaultMs: 20, maxMs: 20 },
        script: { "AuthService/WhoAmI": async () => never },
      });
      const reply = await callThrough(
        chain,
        whoAmI,
        {},
        incomingOf({ metadata: bearing("t"), ...(deadline === undefined ? {} : { deadline }) }),
      );
      expect("failure" in reply && reply.failure.code).toBe(4);
    }
  });
});

describe("a handler that is late", () => {
  /** Waits until its call is over, then tries to write. */
  function lateWriter() {
    let attempt: Promise<unknown> = never;
    const handler: ScriptedHandler = (_request, call: Call) => {
      attempt = new Promise((resolve) => {
        call.signal.addEventListener("abort", () => setImmediate(() => resolve(call.commit(async () => answer))));
      });
      return attempt;
    };
    return { handler, attempt: () => attempt };
  }

  it("RPC-05 cannot begin to write once its caller was told that the time is up", async () => {
    const { handler, attempt } = lateWriter();
    const { put, unitOfWork } = start(handler);
    expect(await put(inMs(20))).toBe("DEADLINE_EXCEEDED");
    await expect(attempt()).rejects.toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(unitOfWork.committed).toEqual([]);
  });

  it("RPC-05 cannot begin to write once its caller has gone", async () => {
    const { handler, attempt } = lateWriter();
    const { put, hangUp, unitOfWork } = start(handler);
    const outcome = put();
    await new Promise(setImmediate);
    hangUp();
    expect(await outcome).toBe("CANCELLED");
    await expect(attempt()).rejects.toMatchObject({ reason: "CANCELLED" });
    expect(unitOfWork.committed).toEqual([]);
  });

  it("that falls over later does not become an error that nobody catches", async () => {
    let fail: (error: Error) => void = () => {};
    const { put } = start(
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    );
    expect(await put(inMs(10))).toBe("DEADLINE_EXCEEDED");
    fail(new Error("late"));
    await new Promise(setImmediate);
  });
});

describe("a handler that is committing", () => {
  function committing() {
    let letCommit: () => void = () => {};
    let begun: () => void = () => {};
    const hasBegun = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const started = start((_request, call) => call.commit(async () => answer));
    started.unitOfWork.beforeCommit = () =>
      new Promise((resolve) => {
        letCommit = resolve;
        begun();
      });
    return { ...started, hasBegun, letCommit: () => letCommit() };
  }

  it("RPC-05 is awaited past the deadline: what happened is what is answered", async () => {
    const { put, hasBegun, letCommit, unitOfWork, recorder } = committing();
    const outcome = put(inMs(10));
    await hasBegun;
    let answered = false;
    void outcome.then(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(answered).toBe(false);
    letCommit();
    expect(await outcome).toBe("OK");
    expect([unitOfWork.committed.length, recorder.drafts.length]).toEqual([1, 0]);
  });

  it("RPC-05 is awaited when the caller goes away, and keeps its one record", async () => {
    const { put, hasBegun, letCommit, hangUp, unitOfWork, recorder } = committing();
    const outcome = put();
    await hasBegun;
    hangUp();
    letCommit();
    expect(await outcome).toBe("OK");
    expect([unitOfWork.committed.length, recorder.drafts.length]).toEqual([1, 0]);
  });
});
