// The stream of revocations with the real command: over both doors, at one process what the other revokes, cut and gone on with
// elsewhere, ended with its credential and with its server.
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { TokenService, type WatchRevocationsResponse } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGatehouse } from "../../../clients/typescript/src/index.ts";
import { clientOf, logIn, patient, visitorOf } from "./installation.ts";
import { type Pair, startPair } from "./pair.ts";

/** The promise is a second; the machine may be busy. That each is in time is shown in revocation.test.ts. */
const soonMs = 5_000;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ GATEHOUSE_DRAIN_GRACE: "20s" });
});
afterAll(() => pair?.[Symbol.asyncDispose]());

const doors = {
  gRPC: (index: 0 | 1, token: string) =>
    createGatehouse({ address: pair.at(index).address, credentials: token, ...patient }).tokens,
  web: (index: 0 | 1, token: string) =>
    createClient(
      TokenService,
      createConnectTransport({
        baseUrl: pair.at(index).webAddress,
        httpVersion: "1.1",
        interceptors: [
          (next) => (request) => {
            request.header.set("authorization", `Bearer ${token}`);
            return next(request);
          },
        ],
      }),
    ),
};
type Door = keyof typeof doors;

class Watch implements AsyncDisposable {
  readonly #controller = new AbortController();
  readonly #messages: AsyncIterator<WatchRevocationsResponse>;
  /** Of the last message that had one. */
  resumeToken = "";

  constructor(door: Door, index: 0 | 1, token: string, resumeToken = "") {
    const stream = doors[door](index, token).watchRevocations({ resumeToken }, { signal: this.#controller.signal });
    this.#messages = stream[Symbol.asyncIterator]();
  }

  async next(): Promise<WatchRevocationsResponse["event"]> {
    const { done, value } = await this.#messages.next();
    if (done === true) throw new TypeError("the stream is over");
    if (value.resumeToken !== "") this.resumeToken = value.resumeToken;
    return value.event;
  }

  /** Everything up to the end of the snapshot. */
  async snapshot(): Promise<readonly unknown[]> {
    expect((await this.next()).case).toBe("snapshotBegin");
    const dead: unknown[] = [];
    for (;;) {
      const event = await this.next();
      if (event.case === "snapshotEnd") return dead;
      if (event.case === "revocation") dead.push(event.value.dead.value);
    }
  }

  async revocation(): Promise<unknown> {
    for (;;) {
      const event = await this.next();
      if (event.case === "revocation") return event.value.dead.value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#controller.abort();
    await this.#messages.return?.().catch(() => {});
  }
}

const root = () => pair.administrator.tokens.accessToken;
const newSession = async () => (await logIn(visitorOf(pair.at(0)), pair.administrator)).tokens;

/** Why the watch ends, and after how long. */
async function endOf(watch: Watch): Promise<{ readonly error: unknown; readonly ms: number }> {
  const begun = performance.now();
  for (;;) {
    try {
      await watch.next();
    } catch (error) {
      return { error, ms: performance.now() - begun };
    }
  }
}

describe.each(["gRPC", "web"] as const)("a watch over the %s door", (door) => {
  it("TOK-08 F-01 tells at once what the other process revokes, and goes on there without a gap", async () => {
    const [before, during, cut, after] = [
      await newSession(),
      await newSession(),
      await newSession(),
      await newSession(),
    ];
    const administrator = clientOf(pair.at(0), root());
    await administrator.tokens.revoke({ token: before.refreshToken });
    await using watch = new Watch(door, 1, root());
    expect(await watch.snapshot()).toContain(before.sessionId);

    const begun = performance.now();
    await administrator.tokens.revoke({ token: during.refreshToken });
    expect(await watch.revocation()).toBe(during.sessionId);
    expect(performance.now() - begun).toBeLessThan(soonMs);

    await watch[Symbol.asyncDispose]();
    await administrator.tokens.revoke({ token: cut.refreshToken });
    await using again = new Watch(door, 0, root(), watch.resumeToken);
    expect(await again.revocation()).toBe(cut.sessionId);
    await administrator.tokens.revoke({ token: after.refreshToken });
    expect(await again.revocation()).toBe(after.sessionId);
  });

  it("TOK-10 tells from which generation on a subject's tokens live", async () => {
    const { serviceAccounts } = clientOf(pair.at(0), root());
    const { serviceAccount } = await serviceAccounts.createServiceAccount({ displayName: "cart" });
    const { principalId = "" } = serviceAccount ?? {};
    await using watch = new Watch(door, 1, root());
    await watch.snapshot();
    await clientOf(pair.at(0), root()).tokens.revokeSubject({ principalId });
    expect(await watch.revocation()).toMatchObject({ principalId, generation: 2 });
    await serviceAccounts.updateServiceAccount({ principalId, disabled: true });
    expect(await watch.revocation()).toMatchObject({ principalId, generation: 3 });
  });

  it("beats while nothing happens", async () => {
    await using watch = new Watch(door, 0, root());
    await watch.snapshot();
    for (let n = 0; n < 3; n += 1) {
      const begun = performance.now();
      expect((await watch.next()).case).toBe("heartbeat");
      expect(performance.now() - begun).toBeLessThan(soonMs);
    }
  });

  it("AZ-07 TOK-08 ends soon after its credential", async () => {
    const { accessToken, refreshToken } = await newSession();
    await using watch = new Watch(door, 1, accessToken);
    await watch.snapshot();
    const ended = endOf(watch);
    await clientOf(pair.at(0), root()).tokens.revoke({ token: refreshToken });
    const { error, ms } = await ended;
    expect(String((error as Error).message)).toContain("the credential is not accepted");
    expect(ms).toBeLessThan(soonMs);
  });

  it("TOK-15 AZ-02 is closed to whoever may not introspect, and to nobody at all", async () => {
    for (const [token, message] of [
      ["", "credential"],
      [await tokenOfNobody(), "permission"],
    ] as const) {
      await using watch = new Watch(door, 0, token);
      const { error } = await endOf(watch);
      expect(String((error as Error).message)).toContain(message);
    }
  });

  it("refuses to go on from a token that is none", async () => {
    await using watch = new Watch(door, 0, root(), "junk");
    const { error } = await endOf(watch);
    expect(String((error as Error).message)).toContain("the stream cannot go on from there");
  });
});

/** An access token of a service account that holds nothing. */
async function tokenOfNobody(): Promise<string> {
  const { serviceAccounts } = clientOf(pair.at(0), root());
  const { serviceAccount } = await serviceAccounts.createServiceAccount({ displayName: "nobody" });
  const { principalId = "" } = serviceAccount ?? {};
  const { secret } = await serviceAccounts.createApiKey({ principalId, displayName: "ci" });
  const { issued } = await visitorOf(pair.at(0)).tokens.issueToken({ credential: { case: "apiKey", value: secret } });
  return issued?.accessToken ?? "";
}

describe("a server that goes away", () => {
  it("ends its watches at once, so that they go on elsewhere, and its drain waits for nobody", async () => {
    await using watch = new Watch("gRPC", 1, root());
    await watch.snapshot();
    await watch.next();
    const ended = endOf(watch);
    const begun = performance.now();
    expect(await pair.at(1).stop()).toMatchObject({ code: 0 });
    expect(performance.now() - begun).toBeLessThan(10_000);
    const { error } = await ended;
    expect((error as { reason: string }).reason).toBe("DRAINING");
    await using again = new Watch("gRPC", 0, root(), watch.resumeToken);
    expect((await again.next()).case).toBe("heartbeat");
  });
});
