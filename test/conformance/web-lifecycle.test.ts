// The web door over time: its bounds on the wait for callers, and how it closes.
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import { parseNetworks } from "../../src/kernel/networks.ts";
import { usualBounds } from "../../src/rpc/connections/bounds.ts";
import { createCallerAddress } from "../../src/rpc/forwarded.ts";
import { openGrpcDoor } from "../../src/rpc/grpc.ts";
import { createFakeChain } from "../fakes/chain.ts";
import { allow, principalOf } from "../fakes/principal.ts";
import { openAttacker } from "../fixtures/http2/attacker.ts";
import * as frames from "../fixtures/http2/frames.ts";
import { noteUncaught } from "../fixtures/uncaught.ts";
import { call, pathOf } from "./door.ts";
import { ask, askHttp2, callJson, openTestWebDoor, reasonOf, sendBytes, sessionOf, trailersIn } from "./web-door.ts";

const whoAmI = AuthService.method.whoAmI;
const headers = { "content-type": "application/json", authorization: "Bearer good" };
const grpcWeb = "application/grpc-web+proto";
const tokens = { good: principalOf() };

/** A door whose one call waits until the test lets it go on. */
async function openWaitingDoor(options: Parameters<typeof openTestWebDoor>[0] = {}) {
  const begun = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let running = 0;
  const door = await openTestWebDoor({
    tokens,
    ...options,
    script: {
      "AuthService/WhoAmI": async () => {
        running += 1;
        begun.resolve();
        await goOn.promise;
        return { principalId: "prn_x" };
      },
    },
  });
  return { ...door, begun: begun.promise, goOn: goOn.resolve, running: () => running };
}

describe("RPC-04 closing", () => {
  it.each(["HTTP/1.1", "HTTP/2"])("lets calls in flight over %s finish, and takes no further ones", async (version) => {
    const door = await openWaitingDoor();
    const session = sessionOf(door);
    const agent = new Agent({ keepAlive: true });
    const asked = { method: "POST", headers, body: "{}", agent };
    const goaway = once(session, "goaway");
    const inFlight = version === "HTTP/2" ? askHttp2(session, pathOf(whoAmI), asked) : ask(door, pathOf(whoAmI), asked);
    await door.begun;
    const stopped = door.door.stop(20_000);
    await goaway;
    await expect(ask(door, "/healthz")).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
    door.goOn();
    const answer = await inFlight;
    expect(answer).toMatchObject({ status: 200, json: { principalId: "prn_x" } });
    if (version === "HTTP/1.1") expect(answer.headers.connection).toBe("close");
    await stopped;
    agent.destroy();
  });

  it("closes kept connections that wait for nothing", async () => {
    const door = await openTestWebDoor();
    const agent = new Agent({ keepAlive: true });
    const request = httpRequest({ port: door.port, host: "127.0.0.1", path: "/healthz", agent });
    request.end();
    const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
    response.resume();
    await once(response, "end");
    await door.door.stop(60_000);
    agent.destroy();
  });

  it("cuts off what is left after the grace, and the caller's work ends", async () => {
    const door = await openWaitingDoor();
    const inFlight = ask(door, pathOf(whoAmI), { method: "POST", headers, body: "{}" });
    const lost = expect(inFlight).rejects.toThrow(/hang up|ECONNRESET/);
    await door.begun;
    await door.door.stop(0);
    await lost;
    door.goOn();
  });
});

describe("RPC-06 the wait for a caller", () => {
  const bounds = { ...usualBounds, handshakeMs: 100, requestMs: 100 };

  it("ends for one that says nothing", async () => {
    const door = await openTestWebDoor({ bounds });
    expect(await sendBytes(door, "")).toBe("");
    expect(await sendBytes(door, "PRI")).toBe("");
    await door.close();
  });

  it("ends for one whose headers do not end", async () => {
    // Time enough to send those that it has: who has said nothing by then is not answered.
    const door = await openTestWebDoor({ bounds: { ...bounds, handshakeMs: 2_000 } });
    expect(await sendBytes(door, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: 1")).toMatch(/^HTTP\/1\.1 408 /);
    await door.close();
  });

  it("ends for one whose body does not come, over both versions of HTTP", async () => {
    const door = await openTestWebDoor({ bounds: { ...usualBounds, requestMs: 100 }, tokens });
    const head = `POST ${pathOf(whoAmI)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer good\r\nContent-Length: 9\r\n\r\n{`;
    const slow = await new Promise<string>((resolve) => {
      const socket = connect(door.port, "127.0.0.1", () => socket.write(head));
      socket.once("data", (bytes) => {
        resolve(bytes.toString());
        socket.destroy();
      });
    });
    expect(slow).toContain("DEADLINE_EXCEEDED");
    const session = sessionOf(door);
    const stream = session.request({ ":method": "POST", ":path": pathOf(whoAmI), ...headers });
    stream.write("{");
    const [response] = (await once(stream, "response")) as [Record<string, unknown>];
    expect(response[":status"]).toBe(504);
    stream.destroy();
    session.destroy();
    await door.close();
  });

  it("never lets more calls run for a connection than it may have, those of cancelled ones included", async () => {
    const door = await openWaitingDoor({ bounds: { ...usualBounds, maxStreams: 3 } });
    const session = sessionOf(door);
    const asked = { method: "POST", headers, body: "{}" };
    for (let i = 0; i < 3; i++) {
      const stream = session.request({ ":method": "POST", ":path": pathOf(whoAmI), ...headers });
      stream.on("error", () => {});
      stream.end("{}");
      while (door.running() <= i) await askHttp2(session, "/healthz").catch(() => {});
      stream.close(constants.NGHTTP2_CANCEL);
      await once(stream, "close");
    }
    const refused = await askHttp2(session, pathOf(whoAmI), asked);
    expect([refused.status, reasonOf(refused)]).toEqual([429, "CONNECTION_OVERLOADED"]);
    expect(door.running()).toBe(3);
    door.goOn();
    session.destroy();
    await door.close();
  });
});

describe("answers that nobody reads", () => {
  it("are begun no further once they fill what a connection may hold", async () => {
    const large = Buffer.alloc(600 * 1024, 7);
    const door = await openTestWebDoor({
      tokens: { good: principalOf({ grants: [allow("secrets.read", "")] }) },
      bounds: { ...usualBounds, maxUnreadBytes: 1024 * 1024 },
      script: { "SecretsService/GetSecret": async () => ({ value: large }) },
    });
    const path = pathOf(SecretsService.method.getSecret);
    const session = sessionOf(door);
    const held = session.request({ ":method": "POST", ":path": path, ...headers });
    held.pause();
    held.end('{"path":"a"}');
    await once(held, "response");
    const refused = await askHttp2(session, path, { method: "POST", headers, body: '{"path":"a"}' });
    expect([refused.status, reasonOf(refused)]).toEqual([429, "ANSWERS_UNREAD"]);
    expect(refused.headers["retry-after"]).toBe("1");
    held.resume();
    await once(held, "close");
    expect((await askHttp2(session, path, { method: "POST", headers, body: '{"path":"a"}' })).status).toBe(200);
    session.destroy();
    await door.close();
  });
});

describe("a request over HTTP/2 that is refused while it is sent", () => {
  const tooLong = Buffer.from([0, 0xff, 0xff, 0xff, 0xff]);
  const kibi = (count: number) => Buffer.alloc(1024 * count);

  /** Its answer is there, and it has not come to its end. */
  async function sendRefused(session: ClientHttp2Session) {
    const asked = { ...headers, "content-type": grpcWeb };
    const stream = session.request({ ":method": "POST", ":path": pathOf(whoAmI), ...asked });
    const closed = once(stream, "close");
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.write(Buffer.concat([tooLong, kibi(100)]));
    await once(stream, "end");
    expect(trailersIn(Buffer.concat(chunks))["grpc-status"]).toBe("8");
    return { stream, closed };
  }

  it("is taken to its end, more than a window of it too", async () => {
    const door = await openTestWebDoor({ tokens });
    const session = sessionOf(door);
    const { stream, closed } = await sendRefused(session);
    stream.end(kibi(400));
    await closed;
    expect([stream.aborted, stream.rstCode]).toEqual([false, constants.NGHTTP2_NO_ERROR]);
    // What left last may not have been counted yet.
    expect(session.socket.bytesWritten).toBeGreaterThan(400 * 1024);
    await door.door.stop(60_000);
  });

  it.each([
    ["goes on for too long", kibi(4096)],
    ["takes too long to end", kibi(1)],
  ])("is told to stop when it %s, and its connection lives on", async (_, more) => {
    const door = await openTestWebDoor({ tokens });
    const session = sessionOf(door);
    const { stream, closed } = await sendRefused(session);
    stream.write(more);
    await closed;
    // The client's own word for a stream that was closed before it had ended it.
    expect([stream.aborted, stream.rstCode]).toEqual([true, constants.NGHTTP2_NO_ERROR]);
    expect(session.socket.bytesWritten).toBeLessThan(2048 * 1024);
    const asked = { method: "POST", headers, body: "{}" };
    expect((await askHttp2(session, pathOf(whoAmI), asked)).status).toBe(200);
    // As long as the door has the stream, it waits for it.
    await door.door.stop(60_000);
  });
});

describe("PWD-13 who calls", () => {
  const peers: string[] = [];
  const script = {
    "AuthService/WhoAmI": async (_: never, { peer }: { readonly peer: { readonly address: string } }) => {
      peers.push(peer.address);
      return {};
    },
  };

  it("T-10 is whoever holds the connection, whatever the headers say", async () => {
    const door = await openTestWebDoor({ tokens, script });
    const forged = { "x-forwarded-for": "192.0.2.9", forwarded: "for=192.0.2.9", "x-real-ip": "192.0.2.9" };
    await callJson(door, whoAmI, {}, { ...forged, authorization: "Bearer good" });
    expect(peers.splice(0)).toEqual(["127.0.0.1"]);
    await door.close();
  });

  it("is whom a trusted proxy names, on both doors", async () => {
    const trusted = parseNetworks("127.0.0.1,10.0.0.0/8");
    if (trusted === undefined) throw new TypeError("the networks do not parse");
    const callerAddress = createCallerAddress({ trusted: () => trusted, header: "x-forwarded-for" });
    const grpc = createFakeChain({ tokens, script, clock: systemClock });
    const grpcDoor = await openGrpcDoor({
      ...grpc,
      callerAddress,
      listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    });
    const session = connectHttp2(`http://${grpcDoor.address}`);
    const metadata = { "x-forwarded-for": "1.1.1.1, 192.0.2.8, 10.1.2.3", authorization: "Bearer good" };
    expect((await call({ session }, whoAmI, {}, metadata)).code).toBe(0);
    expect(peers.splice(0)).toEqual(["192.0.2.8"]);
    session.destroy();
    await grpcDoor.stop(0);
    const door = await openTestWebDoor({ tokens, script, callerAddress });
    const forwarded = { "x-forwarded-for": "1.1.1.1, 192.0.2.9, 10.1.2.3", authorization: "Bearer good" };
    await callJson(door, whoAmI, {}, forwarded);
    expect(peers.splice(0)).toEqual(["192.0.2.9"]);
    await door.close();
  });
});

describe("on a Unix socket", () => {
  it("serves, for its owner alone", async () => {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-web-"));
    const path = join(directory, "web.sock");
    const door = await openTestWebDoor({ listen: { kind: "unix", path } });
    expect(door.door.address).toBe(`unix:${path}`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const request = httpRequest({ socketPath: path, path: "/healthz" });
    request.end();
    const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
    await door.close();
    await rm(directory, { recursive: true });
  });
});

describe("a connection that breaks the rules of HTTP/2", () => {
  it("RPC-06 is hung up on, also when its calls were gone before the door looked at them", async () => {
    using fallen = noteUncaught();
    const door = await openTestWebDoor({ tokens });
    const { hostname: host, port } = new URL(door.door.address);
    const attacker = await openAttacker({ host, port: Number(port), silent: true });
    const block = frames.headerBlock(frames.callFields(pathOf(whoAmI)));
    const calls = Array.from({ length: 20 }, (_, n) =>
      frames.frame(frames.type.headers, frames.flag.endHeaders, 2 * n + 1, block),
    );
    const breach = frames.frame(frames.type.windowUpdate, 0, 0, frames.uint32(0));
    await attacker.send(frames.preface, frames.settings(), ...calls, breach);
    await attacker.closed;
    expect(fallen.errors).toEqual([]);
    expect((await callJson(door, whoAmI, {}, headers)).status).toBe(200);
    await door.close();
  });
});
