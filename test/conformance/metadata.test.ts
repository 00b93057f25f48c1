// Headers as an attacker writes them: doubled credentials, odd content types, timeouts, line breaks, and too much of everything.
import { connect, constants, type SessionOptions, type Settings, sensitiveHeaders } from "node:http2";
import { connect as connectTcp } from "node:net";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { alice, bob, principalOf } from "../fakes/principal.ts";
import { call, framed, grpcHeaders, openTestDoor, pathOf, send, type TestDoor } from "./door.ts";

const { whoAmI } = AuthService.method;
const path = pathOf(whoAmI);

let door: TestDoor;
let seen: string[] = [];

beforeAll(async () => {
  door = await openTestDoor({
    tokens: { alice: principalOf({ id: alice }), bob: principalOf({ id: bob }) },
    script: {
      "AuthService/WhoAmI": async (_request, { principal, requestId }) => {
        seen.push(principal?.id ?? "anonymous");
        return { principalId: requestId };
      },
    },
  });
});
afterAll(() => door.close());
afterEach(async () => {
  seen = [];
  // Whatever a test sent, the door still serves.
  expect((await call(door, whoAmI, {}, { authorization: "Bearer alice" })).code).toBe(0);
  seen = [];
});

/** Header fields as they are, in order, doubled ones included. */
function raw(...fields: readonly string[]): readonly string[] {
  const { host } = new URL(`http://${door.door.address}`);
  const head = [":method", "POST", ":path", path, ":scheme", "http", ":authority", host];
  return [...head, "te", "trailers", "content-type", "application/grpc", ...fields];
}

const sendRaw = (...fields: readonly string[]) => send(door.session, raw(...fields), framed(whoAmI, {}));

describe("a credential on the wire", () => {
  it("AZ-04 is taken when it comes once", async () => {
    expect(await sendRaw("authorization", "Bearer alice")).toMatchObject({ code: 0 });
    expect(seen).toEqual([alice]);
  });

  it.each([
    ["Bearer alice", "Bearer alice"],
    ["Bearer alice", "Bearer bob"],
    ["Bearer alice", "Basic x"],
    ["Basic x", "Bearer alice"],
    ["", "Bearer alice"],
    ["Bearer alice", ""],
  ])("AZ-04 that comes twice, %j and %j, is refused whichever is good", async (first, second) => {
    // With its checks a client cannot say this; other clients can.
    const session = connect(`http://${door.door.address}`, { strictSingleValueFields: false } as SessionOptions);
    const answer = await send(session, raw("authorization", first, "authorization", second), framed(whoAmI, {}));
    session.destroy();
    expect(answer).toMatchObject({ code: 16, trailersOnly: true, status: { info: { reason: "CREDENTIAL_INVALID" } } });
    expect(seen).toEqual([]);
    expect(door.recorder.drafts.at(-1)).toMatchObject({ reason: "CREDENTIAL_MALFORMED" });
  });

  it("AZ-04 that never enters the header table is a credential all the same", async () => {
    const headers = { ...grpcHeaders(path), authorization: "Bearer alice", [sensitiveHeaders]: ["authorization"] };
    expect((await send(door.session, headers, framed(whoAmI, {}))).code).toBe(0);
  });

  it("AZ-04 in authorization-bin is none, and no base64 either", async () => {
    expect((await call(door, whoAmI, {}, { "authorization-bin": "Bearer alice" })).code).toBe(3);
    const encoded = Buffer.from("Bearer alice").toString("base64");
    expect((await call(door, whoAmI, {}, { "authorization-bin": encoded })).code).toBe(16);
    expect(seen).toEqual([]);
  });

  it.each(["x-authorization", "proxy-authorization", "cookie", "grpc-authorization"])(
    "AZ-04 in %s is none",
    async (key) => {
      const answer = await call(door, whoAmI, {}, { [key]: "Bearer alice" });
      expect(answer.status?.info?.reason).toBe("CREDENTIAL_MISSING");
      expect(seen).toEqual([]);
    },
  );

  it("AZ-04 in the path is none", async () => {
    const answer = await send(door.session, grpcHeaders(`${path}?access_token=alice`), framed(whoAmI, {}));
    expect(answer.status?.info?.reason).toBe("METHOD_UNKNOWN");
  });
});

describe("the content type", () => {
  const answerTo = (contentType: string | undefined) => {
    const { "content-type": _, ...rest } = grpcHeaders(path);
    const headers = {
      ...rest,
      authorization: "Bearer alice",
      ...(contentType === undefined ? {} : { "content-type": contentType }),
    };
    return send(door.session, headers, framed(whoAmI, {}));
  };

  it.each(["application/grpc", "application/grpc+proto"])("%s is gRPC", async (contentType) => {
    expect((await answerTo(contentType)).code).toBe(0);
  });

  it.each([undefined, "", "application/json", "application/proto", "text/html", "multipart/form-data"])(
    "%j is answered by HTTP 415, as the protocol has it, and reaches nobody",
    async (contentType) => {
      const answer = await answerTo(contentType);
      expect(answer.headers?.[":status"]).toBe(415);
      expect(answer.code).toBeUndefined();
      expect(seen).toEqual([]);
    },
  );
});

describe("a call without te: trailers", () => {
  it("is served: proxies drop it, and we need it for nothing", async () => {
    const { te: _, ...headers } = grpcHeaders(path);
    expect((await send(door.session, { ...headers, authorization: "Bearer alice" }, framed(whoAmI, {}))).code).toBe(0);
  });
});

describe("a method of HTTP other than POST", () => {
  it.each(["GET", "PUT", "DELETE"])("%s does not get around the credential", async (method) => {
    const answer = await send(door.session, { ...grpcHeaders(path), ":method": method }, framed(whoAmI, {}));
    expect(answer.code).not.toBe(0);
    expect(seen).toEqual([]);
  });
});

describe("metadata", () => {
  it.each(["a\r\nb", "a\nb", "a\rb", "a\u0000b", "a\u007fb"])(
    "RPC-10 with a control character, %j, is never passed on",
    async (value) => {
      let answer: Awaited<ReturnType<typeof call>> | undefined;
      try {
        answer = await sendRaw("authorization", "Bearer alice", "x-request-id", value);
      } catch (error) {
        // The client's own check; what follows sends the same without one.
        expect(error).toBeInstanceOf(TypeError);
      }
      if (answer?.code === 0) expect(answer.body.toString("latin1")).not.toContain(value);
    },
  );

  it.each(["not base64!", "====", "a", "\u00ff", "YWJj=", "YQ==,a", "YWJj ZGVm"])(
    "RPC-10 in -bin that is no base64, %j, is refused with a reason",
    async (value) => {
      const answer = await sendRaw("authorization", "Bearer alice", "trace-bin", value);
      expect(answer).toMatchObject({ code: 3, trailersOnly: true, status: { info: { reason: "METADATA_INVALID" } } });
      expect(seen).toEqual([]);
    },
  );

  it.each(["", "YQ", "YQ==", "YWJj", "YWI=", "YQ==,YWI=", "YQ, YWI", "+/+/"])(
    "RPC-10 in -bin that is base64, %j, padded or not, is taken",
    async (value) => {
      expect((await sendRaw("authorization", "Bearer alice", "trace-bin", value)).code).toBe(0);
    },
  );

  it.each(["a\tb", "caf\u00e9", "\u0080"])(
    "RPC-10 beyond printable ASCII, %j, is refused, not dropped",
    async (value) => {
      const answer = await sendRaw("authorization", "Bearer alice", "x-trace", value);
      expect(answer).toMatchObject({ code: 3, status: { info: { reason: "METADATA_INVALID" } } });
      expect(seen).toEqual([]);
    },
  );

  it("RPC-06 of more than the door takes is refused before anybody looks at it", async () => {
    const session = connect(`http://${door.door.address}`, { maxSendHeaderBlockLength: 1_000_000 });
    session.on("error", () => {});
    const many = Array.from({ length: 5 }, (_, n) => [`x-filler-${n}`, "x".repeat(2_000)]).flat();
    const answer = await send(session, raw("authorization", "Bearer alice", ...many), framed(whoAmI, {}));
    session.destroy();
    expect(answer).toMatchObject({ code: 3, trailersOnly: true, status: { info: { reason: "METADATA_INVALID" } } });
    expect(seen).toEqual([]);
  });

  it("RPC-06 is announced, so that an honest client does not send too much", async () => {
    const session = connect(`http://${door.door.address}`);
    const settings = await new Promise<Settings>((resolve) => session.on("remoteSettings", resolve));
    session.destroy();
    expect(settings).toMatchObject({ maxHeaderListSize: 16_384, maxConcurrentStreams: 100 });
  });

  it("RPC-06 of a long but honest token is let through", async () => {
    const answer = await call(door, whoAmI, {}, { authorization: `Bearer ${"x".repeat(7_000)}` });
    expect(answer.status?.info?.reason).toBe("CREDENTIAL_INVALID");
  });

  it("RPC-06 of a thousand fields is refused before anybody looks at it", async () => {
    const session = connect(`http://${door.door.address}`, { maxHeaderListPairs: 5_000 });
    session.on("error", () => {});
    const many = Array.from({ length: 1_000 }, (_, n) => [`x-${n}`, "x"]).flat();
    const answer = await send(session, raw("authorization", "Bearer alice", ...many), framed(whoAmI, {}));
    session.destroy();
    expect(answer.code).not.toBe(0);
    expect(seen).toEqual([]);
  });
});

describe("a timeout", () => {
  const withTimeout = (value: string) =>
    call(door, whoAmI, {}, { authorization: "Bearer alice", "grpc-timeout": value });

  it.each(["1H", "596H", "5S", "5000m", "99999999u"])("%s is enough", async (value) => {
    expect((await withTimeout(value)).code).toBe(0);
  });

  it.each(["99999999n", "1S"])("%s is enough for a call that takes 99 ms", async (value) => {
    // By the clock of this door, from the headers to the message: on a busy machine it may be any time.
    const began = Date.now();
    let passed = 0;
    const now = () => {
      const at = new Date(began + passed);
      passed = 99;
      return at;
    };
    const own = await openTestDoor({ tokens: { alice: principalOf({ id: alice }) }, clock: { now } });
    onTestFinished(() => own.close());
    const metadata = { authorization: "Bearer alice", "grpc-timeout": value };
    expect((await call(own, whoAmI, {}, metadata)).code).toBe(0);
  });

  it.each(["0m", "0S", "0n", "1n"])("RPC-05 of %s is over before it began", async (value) => {
    expect(await withTimeout(value)).toMatchObject({
      code: 4,
      trailersOnly: true,
      status: { info: { reason: "DEADLINE_EXCEEDED" } },
    });
    expect(seen).toEqual([]);
  });

  it.each(["", "x", "-5S", "+5S", "5S5S", "5 S", "123456789S", "1.5S", "S", "m5", "five seconds", "1", "NaN", "1X"])(
    "RPC-05 of %j is no timeout: refused with a reason",
    async (value) => {
      const answer = await withTimeout(value);
      expect(answer).toMatchObject({ code: 3, trailersOnly: true, status: { info: { reason: "REQUEST_MALFORMED" } } });
      expect(JSON.stringify(answer.headers)).not.toContain(`"${value}"`);
    },
  );

  it.each(["1000H", "99999999H", "99999999M", "99999999S", "597H", "35792M", "2147484S", "2592000S"])(
    "RPC-05 of %s is long, not over",
    async (value) => {
      expect((await withTimeout(value)).code).toBe(0);
    },
  );
});

describe("bytes that are no HTTP/2", () => {
  it.each([
    "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nnonsense",
    "\u0016\u0003\u0001\u0002",
    "\u0000".repeat(64),
  ])("%j are hung up on, and the door goes on", async (bytes) => {
    const { hostname, port } = new URL(`http://${door.door.address}`);
    await new Promise<void>((resolve) => {
      const socket = connectTcp(Number(port), hostname, () => socket.write(bytes, "latin1"));
      socket.on("data", () => {});
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      socket.setTimeout(3_000, () => socket.destroy(new Error("not hung up on")));
    });
  });
});

describe("an HTTP/2 stream that is reset at once, again and again", () => {
  it("CVE-2023-44487 ends the connection, not the service", async () => {
    const session = connect(`http://${door.door.address}`);
    session.on("error", () => {});
    const gone = new Promise((resolve) => session.on("close", resolve));
    const flood = () => {
      for (let n = 0; n < 500 && !session.destroyed; n++) {
        const stream = session.request(grpcHeaders(path));
        stream.on("error", () => {});
        stream.close(constants.NGHTTP2_CANCEL);
      }
      if (!session.destroyed) setImmediate(flood);
    };
    flood();
    await gone;
    expect((await call(door, whoAmI, {}, { authorization: "Bearer alice" })).code).toBe(0);
  });
});
