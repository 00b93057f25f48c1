// The door from opening to closing: where it listens and what refuses the start, calls that are given up, and the drain.
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:http2";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { PutSecretResponseSchema, SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, describe, expect, it } from "vitest";
import type { Call } from "../../src/kernel/handler.ts";
import { StartRefused } from "../../src/kernel/start-refused.ts";
import { type ListenAddress, openGrpcDoor } from "../../src/rpc/grpc.ts";
import { createFakeChain } from "../fakes/chain.ts";
import { allow, principalOf } from "../fakes/principal.ts";
import { call, framed, grpcHeaders, inItsTime, openTestDoor, pathOf, send } from "./door.ts";

const { whoAmI } = AuthService.method;
const { putSecret } = SecretsService.method;
const tokens = { good: principalOf({ grants: [allow("*", "")] }) };
const bearer = { authorization: "Bearer good" };
const directory = mkdtempSync(join(tmpdir(), "gatehouse-door-"));

afterAll(() => rmSync(directory, { recursive: true }));

const tcp = (host: string, port: number): ListenAddress => ({ kind: "tcp", host, port });
const unix = (name: string): ListenAddress => ({ kind: "unix", path: join(directory, name) });

/** A gate that a test opens, and a sign that somebody stands before it. */
function createGate() {
  let open: () => void = () => {};
  let arrive: () => void = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  return {
    open: () => open(),
    arrived,
    wait: () => {
      arrive();
      return opened;
    },
  };
}

async function listenElsewhere(
  listen: { host: string; port: number } | { path: string },
): Promise<{ server: Server; port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(listen, resolve));
  const address = server.address();
  return { server, port: typeof address === "object" ? (address?.port ?? 0) : 0 };
}

function open(listen: ListenAddress) {
  return openGrpcDoor({ ...createFakeChain(), listen });
}

describe("where the door listens", () => {
  it("says the port that it was given, also on IPv6", async () => {
    for (const host of ["127.0.0.1", "::1"]) {
      const door = await openTestDoor({ tokens, listen: tcp(host, 0) });
      expect(door.door.address).toMatch(host === "::1" ? /^\[::1\]:\d{2,5}$/ : /^127\.0\.0\.1:\d{2,5}$/);
      expect((await call(door, whoAmI, {}, bearer)).code).toBe(0);
      await door.close();
    }
  });

  it("refuses to start on a port in use, in one sentence that names it", async () => {
    const { server, port } = await listenElsewhere({ host: "127.0.0.1", port: 0 });
    await expect(open(tcp("127.0.0.1", port))).rejects.toBeInstanceOf(StartRefused);
    await expect(open(tcp("127.0.0.1", port))).rejects.toThrow(new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}`));
    server.close();
  });

  it("refuses to start on an address of another machine", async () => {
    await expect(open(tcp("192.0.2.1", 0))).rejects.toBeInstanceOf(StartRefused);
  });
});

describe("a Unix socket", () => {
  function dial(path: string): Promise<number> {
    const client = new Client(`unix:${path}`, credentials.createInsecure());
    const identity = (bytes: Buffer) => bytes;
    return new Promise((resolve) => {
      client.makeUnaryRequest("/no.such/Method", identity, identity, Buffer.alloc(0), (error) => {
        client.close();
        resolve(error?.code ?? 0);
      });
    });
  }

  it("RPC-14 serves, for its owner alone", async () => {
    const listen = unix("one.sock");
    const path = listen.kind === "unix" ? listen.path : "";
    const door = await open(listen);
    expect(door.address).toBe(`unix:${path}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await dial(path)).toBe(12);
    await door.stop(0);
  });

  it("that a killed process left behind is in the way of nobody", async () => {
    const path = join(directory, "stale.sock");
    const { server } = await listenElsewhere({ path });
    // As after kill -9: the file is there, and nobody listens.
    renameSync(path, `${path}.kept`);
    server.close();
    renameSync(`${path}.kept`, path);
    const door = await open({ kind: "unix", path });
    expect(await dial(path)).toBe(12);
    await door.stop(0);
  });

  it("that another process listens on is not taken from it", async () => {
    const path = join(directory, "taken.sock");
    const { server } = await listenElsewhere({ path });
    await expect(open({ kind: "unix", path })).rejects.toBeInstanceOf(StartRefused);
    expect(statSync(path).isSocket()).toBe(true);
    server.close();
  });

  it("is not made in place of a file that is none", async () => {
    const path = join(directory, "precious");
    writeFileSync(path, "kept");
    await expect(open({ kind: "unix", path })).rejects.toBeInstanceOf(StartRefused);
    expect(statSync(path).isFile()).toBe(true);
  });

  it("refuses to start in a directory that does not exist", async () => {
    await expect(open(unix("no/such/directory.sock"))).rejects.toBeInstanceOf(StartRefused);
  });
});

describe("a caller that gives up", () => {
  it("RPC-05 stops what waits for it, and leaves a record of that", async () => {
    const gate = createGate();
    let aborted: () => void = () => {};
    const noticed = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    const door = await openTestDoor({
      tokens,
      script: {
        "SecretsService/PutSecret": async (_request, { signal }: Call) => {
          signal.addEventListener("abort", () => aborted());
          await gate.wait();
          return {};
        },
      },
    });
    const headers = { ...grpcHeaders(pathOf(putSecret)), ...bearer };
    const answer = send(door.session, headers, framed(putSecret, { path: "a", value: Buffer.from("v") }), (stream) => {
      void gate.arrived.then(() => stream.close(8));
    });
    await noticed;
    await answer;
    await expect.poll(() => door.recorder.drafts, inItsTime).toMatchObject([{ reason: "CANCELLED", grpcCode: 1 }]);
    gate.open();
    expect(door.unitOfWork.committed).toEqual([]);
    await door.close();
  });

  it("RPC-05 before its handler began finds the handler told from the start", async () => {
    const gate = createGate();
    let reason: unknown = "never asked";
    const door = await openTestDoor({
      authenticator: {
        authenticate: async () => {
          await gate.wait();
          return principalOf();
        },
      },
      script: {
        "AuthService/WhoAmI": async (_request, { signal }: Call) => {
          for (let turns = 0; turns < 5; turns++) await new Promise(setImmediate);
          reason = signal.aborted ? "told" : "not told";
          return {};
        },
      },
    });
    const answer = send(door.session, { ...grpcHeaders(pathOf(whoAmI)), ...bearer }, framed(whoAmI, {}), (stream) => {
      void gate.arrived.then(() => stream.close(8));
    });
    await answer;
    // The stream is closed here; one more round trip and the server has seen it too.
    await send(door.session, grpcHeaders("/no.such/Method"), Buffer.alloc(0));
    gate.open();
    await expect.poll(() => reason, inItsTime).not.toBe("never asked");
    expect(reason).toBe("told");
    await door.close();
  });

  it("RPC-05 by a deadline that passes gets a DEADLINE_EXCEEDED with a reason from the server, too", async () => {
    const door = await openTestDoor({ tokens, script: { "AuthService/WhoAmI": () => new Promise(() => {}) } });
    const answer = await call(door, whoAmI, {}, { ...bearer, "grpc-timeout": "50m" });
    expect(answer).toMatchObject({ code: 4, trailersOnly: true, status: { info: { reason: "DEADLINE_EXCEEDED" } } });
    await expect
      .poll(() => door.recorder.drafts, inItsTime)
      .toMatchObject([{ reason: "DEADLINE_EXCEEDED", grpcCode: 4 }]);
    await door.close();
  });
});

describe("the drain", () => {
  it("RPC-04 tells clients to go, lets calls in flight finish with their effect, and takes no new ones", async () => {
    const gate = createGate();
    const door = await openTestDoor({
      tokens,
      script: {
        "SecretsService/PutSecret": async (_request, call: Call) => {
          await gate.wait();
          return call.commit(async () => create(PutSecretResponseSchema));
        },
      },
    });
    const goneAway = new Promise<number>((resolve) => door.session.on("goaway", (code) => resolve(code)));
    const inFlight = call(door, putSecret, { path: "a", value: Buffer.from("v") }, bearer);
    await gate.arrived;
    const stopped = door.door.stop(10_000);
    expect(await goneAway).toBe(0);

    const late = connect(`http://${door.door.address}`);
    const refused = await new Promise<NodeJS.ErrnoException>((resolve) => late.on("error", resolve));
    expect(refused.code).toBe("ECONNREFUSED");

    gate.open();
    expect((await inFlight).code).toBe(0);
    await stopped;
    expect(door.unitOfWork.committed).toHaveLength(1);
    await door.close();
  });

  it("RPC-04 is over at once when nobody calls", async () => {
    const door = await openTestDoor({ tokens });
    expect((await call(door, whoAmI, {}, bearer)).code).toBe(0);
    await door.door.stop(10_000);
    door.session.destroy();
  });

  it("RPC-04 does not wait longer than its grace for a call that does not end", async () => {
    const gate = createGate();
    const door = await openTestDoor({
      tokens,
      script: {
        "AuthService/WhoAmI": async () => {
          await gate.wait();
          return {};
        },
      },
    });
    const inFlight = call(door, whoAmI, {}, bearer);
    await gate.arrived;
    await door.door.stop(50);
    // Cut off, not answered: it is not the call's own deadline that ended it.
    expect(await inFlight).toMatchObject({ headers: undefined, code: undefined });
    gate.open();
    door.session.destroy();
  });

  it("leaves the port and the socket to the next", async () => {
    const first = await open(tcp("127.0.0.1", 0));
    const port = Number(first.address.split(":").at(-1));
    await first.stop(0);
    const second = await open(tcp("127.0.0.1", port));
    await second.stop(0);
    const listen = unix("again.sock");
    await (await open(listen)).stop(0);
    await (await open(listen)).stop(0);
  });
});
