// HTTP/1.1 connections of the web door: what one request leaves behind never spoils the next, nor anybody else's.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { usualBounds } from "../../src/rpc/connections/bounds.ts";
import type { TransportSecurity } from "../../src/tls/ports.ts";
import { allow, principalOf } from "../fakes/principal.ts";
import { makeAuthority, makeLeaf } from "../fixtures/certificates.ts";
import { frame, pathOf } from "./door.ts";
import { askHttp2, openTestWebDoor, sendBytes, sessionOf, type TestWebDoor } from "./web-door.ts";

const whoAmI = pathOf(AuthService.method.whoAmI);
const getSecret = pathOf(SecretsService.method.getSecret);
const watch = pathOf(Health.method.watch);
const tokens = { good: principalOf({ grants: [allow("secrets.read", "")] }) };
const authorized = "Authorization: Bearer good\r\n";

function post(path: string, type: string, body: string | Uint8Array, headers = ""): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n${headers}\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

const health = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/** All that comes until the connection closes, and whether it was reset. */
function readAll(socket: Socket): Promise<{ readonly text: string; readonly reset: boolean }> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let reset = false;
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {
      reset = true;
    });
    socket.on("close", () => resolve({ text: Buffer.concat(chunks).toString("latin1"), reset }));
  });
}

async function openSocket({ port }: Pick<TestWebDoor, "port">): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  return socket;
}

describe("a request that is refused before its end", () => {
  let door: TestWebDoor;
  beforeAll(async () => {
    door = await openTestWebDoor({ tokens });
  });
  afterAll(() => door.close());

  const long = "x".repeat(50_000);
  /** Says at once that it is larger than any message may be. */
  const tooLong = Buffer.concat([Buffer.from([0, 0x7f, 0, 0, 0]), Buffer.from(long)]);
  it.each<[string, Buffer]>([
    ["by the gate", post(whoAmI, "application/json", long)],
    ["for its length", post(whoAmI, "application/json", long, authorized)],
    ["in gRPC-Web", post(whoAmI, "application/grpc-web+proto", frame(Buffer.from(long)), authorized)],
    ["as a stream", post(watch, "application/connect+json", tooLong, authorized)],
    ["as a stream in gRPC-Web", post(watch, "application/grpc-web+proto", tooLong, authorized)],
    ["for its path", post("/nothing", "application/json", long)],
    ["for its type", post(whoAmI, "text/plain", long)],
    [
      "as a preflight",
      Buffer.from(
        `OPTIONS ${whoAmI} HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Method: POST\r\nContent-Length: ${long.length}\r\n\r\n${long}`,
      ),
    ],
  ])("%s lets the next one on its connection be answered", async (_, refused) => {
    const socket = await openSocket(door);
    const all = readAll(socket);
    // In two pieces: when the answer is out, the rest is still to come.
    socket.write(refused.subarray(0, 20_000));
    await once(socket, "data");
    socket.write(refused.subarray(20_000));
    socket.write(health);
    expect((await all).text).toContain('{"status":"ALIVE"}');
  });

  it.each(["chunks", "a length"])("has its answer read, though its caller goes on to send, in %s", async (how) => {
    const socket = await openSocket(door);
    const all = readAll(socket);
    const size = 800 * 1024;
    const framing = how === "chunks" ? "Transfer-Encoding: chunked" : `Content-Length: ${size}`;
    socket.write(`POST ${getSecret} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`);
    const piece = "x".repeat(16 * 1024);
    const send = () => socket.write(how === "chunks" ? `4000\r\n${piece}\r\n` : piece);
    send();
    await once(socket, "data");
    for (let sent = piece.length; sent < size; sent += piece.length) send();
    if (how === "chunks") socket.write("0\r\n\r\n");
    const { text, reset } = await all;
    expect(text).toMatch(/^HTTP\/1\.1 401 /);
    expect(text.toLowerCase()).toContain("connection: close");
    expect(text).toContain("CREDENTIAL_MISSING");
    expect(reset).toBe(false);
  });

  it("RPC-06 is not read for ever", async () => {
    const socket = await openSocket(door);
    const all = readAll(socket);
    socket.write(
      `POST ${getSecret} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    const piece = `4000\r\n${"x".repeat(16 * 1024)}\r\n`;
    const pour = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", pour);
    pour();
    expect((await all).text).toMatch(/^HTTP\/1\.1 401 |^$/);
  });
});

describe("requests one behind the other", () => {
  it("RPC-05 end with their connection, those too whose turn had not come, and hold nothing", async () => {
    const begun = Promise.withResolvers<void>();
    const ended: string[] = [];
    const last = Promise.withResolvers<void>();
    const large = Buffer.alloc(600 * 1024, 7);
    const mebi = 1024 ** 2;
    let calls = 0;
    let made = 0;
    const door = await openTestWebDoor({
      tokens,
      bounds: { ...usualBounds, maxUnreadBytes: 8 * mebi, maxUnreadBytesOfAll: 2 * mebi },
      script: {
        "AuthService/WhoAmI": async (_: never, { signal }: { readonly signal: AbortSignal }) => {
          const call = `${++calls}`;
          if (calls === 2) begun.resolve();
          await once(signal, "abort");
          ended.push(call);
          if (ended.length === 2) last.resolve();
          return {};
        },
        "SecretsService/GetSecret": async () => {
          made += 1;
          return { value: large };
        },
      },
    });
    onTestFinished(() => door.close());
    const secret = post(getSecret, "application/json", '{"path":"a"}', authorized);
    const waiting = post(whoAmI, "application/json", "{}", authorized);
    const socket = await openSocket(door);
    socket.write(Buffer.concat([waiting, secret, waiting]));
    await begun.promise;
    // The large answer is made, and waits for the one before it.
    while (made === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await last.promise;
    expect(ended.toSorted()).toEqual(["1", "2"]);

    const session = sessionOf(door);
    const headers = { "content-type": "application/json", authorization: "Bearer good" };
    const held = session.request({ ":method": "POST", ":path": getSecret, ...headers });
    held.pause();
    held.end('{"path":"a"}');
    await once(held, "response");
    expect((await askHttp2(session, getSecret, { method: "POST", headers, body: '{"path":"a"}' })).status).toBe(200);
    held.destroy();
    session.destroy();
  });

  it("are never answered with what was said to somebody else's bytes behind them", async () => {
    const begun = Promise.withResolvers<void>();
    const door = await openTestWebDoor({
      tokens,
      script: {
        "AuthService/WhoAmI": async (_: never, { signal }: { readonly signal: AbortSignal }) => {
          begun.resolve();
          await once(signal, "abort");
          return {};
        },
      },
    });
    onTestFinished(() => door.close());
    const socket = await openSocket(door);
    const all = readAll(socket);
    socket.write(post(whoAmI, "application/json", "{}", authorized));
    await begun.promise;
    socket.write("no HTTP\r\n\r\n");
    expect((await all).text).toBe("");
  });

  it("are ten thousand at most, and the last is told so in an answer like the others", async () => {
    const door = await openTestWebDoor();
    onTestFinished(() => door.close());
    const socket = await openSocket(door);
    const all = readAll(socket);
    socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n".repeat(10_010));
    const { text } = await all;
    const answers = text.split("HTTP/1.1 ").slice(1);
    expect(answers).toHaveLength(10_000);
    expect(answers.every((answer) => answer.startsWith("200 ") || answer.startsWith("429 "))).toBe(true);
    expect(answers.at(-1)?.toLowerCase()).toContain("connection: close");
    expect(answers.at(-1)?.toLowerCase()).toContain("x-content-type-options: nosniff");
  });
});

describe("a connection that is opened ahead", () => {
  it("and used by nobody is closed without a word, over TLS too", async () => {
    const bounds = { ...usualBounds, handshakeMs: 100 };
    const plain = await openTestWebDoor({ bounds });
    onTestFinished(() => plain.close());
    expect(await sendBytes(plain, "")).toBe("");
    const authority = await makeAuthority();
    const { key, pem: cert } = await makeLeaf(authority, { ips: ["127.0.0.1"], uses: ["server"] });
    const security: TransportSecurity = {
      options: { key, cert },
      guard: () => () => {},
      onChange: () => () => {},
      identify: () => undefined,
    };
    // Long enough to shake hands on a busy machine, and to say something after that.
    const door = await openTestWebDoor({ bounds: { ...usualBounds, handshakeMs: 2_000 }, security });
    onTestFinished(() => door.close());
    const silent = connectTls({ port: door.port, host: "127.0.0.1", ca: authority.pem, ALPNProtocols: ["http/1.1"] });
    expect((await readAll(silent)).text).toBe("");
    const slow = connectTls({ port: door.port, host: "127.0.0.1", ca: authority.pem, ALPNProtocols: ["http/1.1"] });
    slow.write("GET /healthz HTTP/1.1\r\nHost: x\r\n");
    expect((await readAll(slow)).text).toMatch(/^HTTP\/1\.1 408 /);
  });
});
