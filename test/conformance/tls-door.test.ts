// The gRPC door over TLS: who shows a certificate is known by it on each call, and handshakes have the bounds of connections.
import { connect, type SecureClientSessionOptions } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Call, Peer } from "../../src/kernel/handler.ts";
import { type ConnectionBounds, usualBounds } from "../../src/rpc/connections/bounds.ts";
import { type GrpcDoor, openGrpcDoor } from "../../src/rpc/grpc.ts";
import { createFakeChain } from "../fakes/chain.ts";
import { principalOf } from "../fakes/principal.ts";
import { makeLeaf } from "../fixtures/certificates.ts";
import { openWorld } from "../integration/tls/world.ts";
import { call, inItsTime, patientDeadline } from "./door.ts";

const { whoAmI } = AuthService.method;
const bearer = { authorization: "Bearer good" };

let world: Awaited<ReturnType<typeof openWorld>>;
let door: GrpcDoor;
let seen: Peer[] = [];
const closing: (() => void)[] = [];

beforeAll(async () => {
  world = await openWorld({ clientAuth: "optional" });
});
afterAll(() => world[Symbol.asyncDispose]());
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await door.stop(0);
  seen = [];
});

async function openDoor(bounds: Partial<ConnectionBounds> = {}): Promise<void> {
  const remember = async (_request: unknown, { peer }: Call) => {
    seen.push(peer);
    return {};
  };
  door = await openGrpcDoor({
    ...createFakeChain({
      tokens: { good: principalOf() },
      clock: { now: () => new Date() },
      deadline: patientDeadline,
      script: { "AuthService/WhoAmI": remember },
    }),
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    security: world.security,
    bounds: { ...usualBounds, ...bounds },
  });
}

function dial(options: SecureClientSessionOptions = {}) {
  const session = connect(`https://${door.address}`, { ca: world.authority.pem, servername: "localhost", ...options });
  session.on("error", () => {});
  closing.push(() => session.destroy());
  return session;
}

function dialTcp(): { socket: Socket; closed: Promise<void> } {
  const { hostname, port } = new URL(`http://${door.address}`);
  const socket = connectTcp(Number(port), hostname);
  socket.on("error", () => {});
  closing.push(() => void socket.destroy());
  return { socket, closed: new Promise((resolve) => socket.once("close", () => resolve())) };
}

async function placeIsFree(): Promise<boolean> {
  const session = dial();
  const { code } = await call({ session }, whoAmI, {}, bearer).catch(() => ({ code: undefined }));
  session.destroy();
  return code === 0;
}

describe("the gRPC door over TLS", () => {
  it("knows who shows a certificate, on each of its calls, and takes those who show none", async () => {
    await openDoor();
    const leaf = await makeLeaf(world.authority, { dns: ["Worker.example"], uses: ["client"] });
    const session = dial({ cert: leaf.pem, key: leaf.key });
    for (let n = 0; n < 2; n += 1) expect((await call({ session }, whoAmI, {}, bearer)).code).toBe(0);
    expect((await call({ session: dial() }, whoAmI, {}, bearer)).code).toBe(0);
    expect(seen.map(({ address }) => address)).toEqual(["127.0.0.1", "127.0.0.1", "127.0.0.1"]);
    expect(seen.map(({ certificate }) => certificate?.dnsNames)).toEqual([
      ["worker.example"],
      ["worker.example"],
      undefined,
    ]);
    expect(seen[0]?.certificate).toBe(seen[1]?.certificate);
  });

  it("RPC-06 hangs up on a handshake that does not come to an end, and has its place again", async () => {
    // Long enough for the one that comes next to shake hands on a busy machine.
    await openDoor({ handshakeMs: 1_000, maxConnections: 1 });
    const silent = dialTcp();
    await silent.closed;
    await expect.poll(async () => (await call({ session: dial() }, whoAmI, {}, bearer)).code, inItsTime).toBe(0);
  });

  it("RPC-06 hangs up on who finishes the handshake and does not begin HTTP/2", async () => {
    // Long enough to shake hands on a busy machine.
    await openDoor({ handshakeMs: 2_000, maxConnections: 1 });
    const { hostname: host, port } = new URL(`http://${door.address}`);
    const socket = connectTls({
      host,
      port: Number(port),
      ca: world.authority.pem,
      servername: "localhost",
      ALPNProtocols: ["h2"],
    });
    socket.on("error", () => {});
    closing.push(() => socket.destroy());
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    // It reads nothing and so never learns that it was hung up on; its place is free all the same.
    await expect.poll(placeIsFree, inItsTime).toBe(true);
  });

  it("RPC-06 gives the place of a connection back when it ends", async () => {
    await openDoor({ maxConnections: 1 });
    for (let n = 0; n < 3; n += 1) {
      await expect.poll(placeIsFree, inItsTime).toBe(true);
    }
  });

  it("RPC-04 does not wait for handshakes when it stops", async () => {
    await openDoor();
    const silent = dialTcp();
    await new Promise((resolve) => silent.socket.once("connect", resolve));
    await expect.poll(async () => (await call({ session: dial() }, whoAmI, {}, bearer)).code, inItsTime).toBe(0);
    await door.stop(0);
    await silent.closed;
  });
});
