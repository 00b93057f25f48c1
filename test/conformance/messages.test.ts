// Messages as an attacker writes them: too long, compressed to be too long, truncated, malformed; each refused with a reason,
// and the door serves on.
import { deflateSync, gzipSync } from "node:zlib";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { allow, principalOf } from "../fakes/principal.ts";
import { call, frame, framed, grpcHeaders, openTestDoor, pathOf, type RawAnswer, send, type TestDoor } from "./door.ts";

const { getSecret, putSecret } = SecretsService.method;
const { login, whoAmI } = AuthService.method;
const mebi = 1024 * 1024;
const bearer = { authorization: "Bearer good" };

let door: TestDoor;
let reached: unknown[] = [];

beforeAll(async () => {
  const remember = async (request: unknown) => {
    reached.push(request);
    return {};
  };
  door = await openTestDoor({
    tokens: { good: principalOf({ grants: [allow("*", "")] }) },
    script: {
      "SecretsService/GetSecret": remember,
      "SecretsService/PutSecret": remember,
      "AuthService/Login": remember,
    },
  });
});
afterAll(() => door.close());
afterEach(async () => {
  expect((await call(door, whoAmI, {}, bearer)).code).toBe(0);
  reached = [];
});

const refused = (code: number, reason: string) => ({ code, trailersOnly: true, status: { info: { reason } } });
const tooLarge = refused(8, "REQUEST_TOO_LARGE");
const malformed = refused(3, "REQUEST_MALFORMED");

function sendTo(
  method: Parameters<typeof pathOf>[0],
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  return send(door.session, { ...grpcHeaders(pathOf(method)), ...bearer, ...headers }, body);
}

const field = (number: number, wireType: number, ...bytes: number[]) =>
  Buffer.from([(number << 3) | wireType, ...bytes]);
const text = (number: number, value: string | Uint8Array) => {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([field(number, 2, bytes.length), bytes]);
};

describe("a message that is too long", () => {
  it("RPC-06 for its method is refused with the method's limit", async () => {
    const answer = await call(door, login, { loginName: "x".repeat(17_000), password: "x" });
    expect(answer).toMatchObject(tooLarge);
    expect(answer.status?.info?.metadata.max_bytes).toBe("16384");
    expect(reached).toEqual([]);
  });

  it("RPC-06 by one byte is refused, without it is taken", async () => {
    // A path, then one unknown field that fills the message up to `size`.
    const filled = (size: number) => {
      const head = Buffer.concat([text(1, "a"), field(15, 2, ((size - 6) & 127) | 128, (size - 6) >> 7)]);
      return Buffer.concat([head, Buffer.alloc(size - 6)]);
    };
    expect(filled(4_096)).toHaveLength(4_096);
    expect((await sendTo(getSecret, frame(filled(4_096)))).code).toBe(0);
    expect(await sendTo(getSecret, frame(filled(4_097)))).toMatchObject(tooLarge);
  });

  it("CVE-2024-37168 for the door is refused by its length alone, before the rest of it comes", async () => {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(0xffff_ffff, 1);
    expect(await sendTo(putSecret, head)).toMatchObject(tooLarge);
    head.writeUInt32BE(4 * mebi + 1, 1);
    expect(await sendTo(putSecret, head)).toMatchObject(tooLarge);
  });

  it("RPC-06 for the door, sent in full, is refused", async () => {
    expect(await sendTo(putSecret, frame(Buffer.alloc(5 * mebi)))).toMatchObject(tooLarge);
  });

  it("RPC-06 is refused to those without a credential as the missing credential it is, and not parsed", async () => {
    const answer = await send(door.session, grpcHeaders(pathOf(getSecret)), frame(Buffer.alloc(5_000, 0xff)));
    expect(answer).toMatchObject(refused(16, "CREDENTIAL_MISSING"));
  });
});

describe("a compressed message", () => {
  const request = { path: "a" };
  const plain = framed(getSecret, request).subarray(5);

  it.each([
    ["gzip", gzipSync(plain)],
    ["deflate", deflateSync(plain)],
  ])("by %s is taken", async (encoding, bytes) => {
    expect((await sendTo(getSecret, frame(bytes, 1), { "grpc-encoding": encoding })).code).toBe(0);
    expect(reached).toMatchObject([request]);
  });

  it.each(["gzip", "deflate"])(
    "RPC-07 CVE-2024-37168 by %s that unpacks to 64 MiB is refused, and not unpacked to its end",
    async (encoding) => {
      const bomb = (encoding === "gzip" ? gzipSync : deflateSync)(Buffer.alloc(64 * mebi));
      expect(bomb.length).toBeLessThan(mebi);
      const before = process.memoryUsage().arrayBuffers;
      expect(await sendTo(putSecret, frame(bomb, 1), { "grpc-encoding": encoding })).toMatchObject(tooLarge);
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(48 * mebi);
    },
  );

  it("RPC-07 that unpacks to more than its method allows is refused", async () => {
    const bytes = gzipSync(Buffer.alloc(100_000));
    expect(await sendTo(getSecret, frame(bytes, 1), { "grpc-encoding": "gzip" })).toMatchObject(tooLarge);
  });

  it.each([
    ["bytes that are not what the encoding says", { "grpc-encoding": "gzip" }, plain],
    ["half of its bytes", { "grpc-encoding": "gzip" }, gzipSync(Buffer.alloc(1_000, "a")).subarray(0, 20)],
  ])("RPC-07 with %s is refused with a reason", async (_what, headers, bytes) => {
    expect(await sendTo(getSecret, frame(bytes, 1), headers)).toMatchObject(malformed);
    expect(reached).toEqual([]);
  });

  it.each([
    ["no encoding said", {}],
    ["the encoding identity", { "grpc-encoding": "identity" }],
  ])("RPC-07 with %s is refused as INTERNAL", async (_what, headers) => {
    const answer = await sendTo(getSecret, frame(gzipSync(plain), 1), headers as Record<string, string>);
    expect(answer).toMatchObject(refused(13, "ENCODING_MISSING"));
    expect(reached).toEqual([]);
  });

  it.each(["br", "zstd", "GZIP", "", "gzip, deflate"])(
    "RPC-07 with the encoding %j is refused as UNIMPLEMENTED, with those that are served",
    async (encoding) => {
      const answer = await sendTo(getSecret, frame(plain, 1), { "grpc-encoding": encoding });
      expect(answer).toMatchObject(refused(12, "ENCODING_UNKNOWN"));
      expect(answer.headers?.["grpc-accept-encoding"]).toBe("identity,deflate,gzip");
      expect(reached).toEqual([]);
    },
  );

  it("RPC-07 whose flag is neither 0 nor 1 is refused", async () => {
    expect(await sendTo(getSecret, frame(plain, 2), { "grpc-encoding": "gzip" })).toMatchObject(malformed);
  });

  it("RPC-07 from somebody without a credential is refused as the missing credential it is", async () => {
    const headers = { ...grpcHeaders(pathOf(getSecret)), "grpc-encoding": "br" };
    expect(await send(door.session, headers, frame(plain, 1))).toMatchObject(refused(16, "CREDENTIAL_MISSING"));
  });
});

describe("a message that is none", () => {
  const deep = (levels: number): Buffer => {
    let inner = Buffer.alloc(0);
    for (let n = 0; n < levels; n++) {
      const length: number[] = [];
      for (let rest = inner.length; ; rest >>>= 7) {
        length.push(rest < 128 ? rest : (rest & 127) | 128);
        if (rest < 128) break;
      }
      inner = Buffer.concat([Buffer.from([0x1a, ...length]), inner]);
    }
    return inner;
  };

  it.each([
    ["a varint of 11 bytes", field(2, 0, ...Array.from({ length: 10 }, () => 0xff), 0x01)],
    ["a varint that never ends", field(2, 0, 0x80)],
    ["a length beyond the end", field(1, 2, 0x7f, 0x61)],
    ["a length of 2 GiB", field(1, 2, 0xff, 0xff, 0xff, 0xff, 0x07)],
    ["a negative length", field(1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)],
    ["field number 0", Buffer.from([0x02, 0x00])],
    ["wire type 6", field(1, 6)],
    ["wire type 7", field(1, 7)],
    ["the end of a group that nobody began", field(9, 4)],
    ["a group that nobody ends", field(9, 3)],
    ["UTF-8 that is none", text(1, Uint8Array.from([0xc3, 0x28]))],
    ["UTF-8 that is over-long", text(1, Uint8Array.from([0xc0, 0xaf]))],
    ["a UTF-16 surrogate in UTF-8", text(1, Uint8Array.from([0xed, 0xa0, 0x80]))],
    ["a tag that breaks off", Buffer.from([0x80])],
  ])("RPC-08 because of %s is refused", async (_what, bytes) => {
    expect(await sendTo(getSecret, frame(bytes))).toMatchObject(malformed);
    expect(reached).toEqual([]);
  });

  it.each([200, 1_000])(
    "RPC-08 because it nests groups %d deep is refused or skipped, and does not end the process",
    async (levels) => {
      const groups = Buffer.concat([Buffer.alloc(levels, field(9, 3)), Buffer.alloc(levels, field(9, 4))]);
      const answer = await sendTo(getSecret, frame(Buffer.concat([text(1, "a"), groups])));
      expect([0, 3]).toContain(answer.code);
    },
  );

  it("RPC-08 because it nests messages 2,000 deep is refused or skipped, and does not end the process", async () => {
    const answer = await sendTo(putSecret, frame(deep(2_000)));
    expect([0, 3]).toContain(answer.code);
  });

  it("RPC-08 by any bytes at all is answered, one way or the other", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const answer = await sendTo(getSecret, frame(bytes));
        expect([0, 3]).toContain(answer.code);
        if (answer.code !== 0) expect(answer.status?.info?.reason).toMatch(/^REQUEST_(MALFORMED|INVALID)$/);
      }),
      { numRuns: 100 },
    );
  });
});

describe("a message that protobuf allows, odd as it is", () => {
  it("RPC-08 with a singular field twice: the last one is the one that is judged and the one that is used", async () => {
    const bytes = Buffer.concat([text(1, "first"), text(1, "second")]);
    expect((await sendTo(getSecret, frame(bytes))).code).toBe(0);
    expect(reached).toMatchObject([{ path: "second" }]);
  });

  it("RPC-08 with fields that nobody knows is taken", async () => {
    const bytes = Buffer.concat([text(1, "a"), text(15, "unknown"), field(14, 0, 0x01)]);
    expect((await sendTo(getSecret, frame(bytes))).code).toBe(0);
  });

  it("RPC-08 with an enum out of range is refused where only known values count", async () => {
    const { introspect } = TokenService.method;
    const answer = await sendTo(introspect, frame(Buffer.concat([text(1, "t"), field(3, 0, 0x63)])));
    expect(answer).toMatchObject(refused(3, "REQUEST_INVALID"));
  });
});

describe("the frames of a unary call", () => {
  it.each([
    ["none at all", Buffer.alloc(0)],
    ["half a head", Buffer.from([0, 0, 0])],
    ["a head without its message", Buffer.from([0, 0, 0, 0, 9])],
    ["half a message", framed(getSecret, { path: "abc" }).subarray(0, -1)],
    ["two messages", Buffer.concat([framed(getSecret, { path: "a" }), framed(getSecret, { path: "b" })])],
  ])("RPC-08 with %s do not reach the handler twice, and are answered", async (_what, body) => {
    const answer = await sendTo(getSecret, body, { "grpc-timeout": "2S" });
    expect(answer.code).not.toBe(0);
    expect(answer.trailersOnly).toBe(true);
    expect(answer.status?.info?.reason).toBeDefined();
    expect(reached.length).toBeLessThanOrEqual(1);
  });

  it("may come byte by byte", async () => {
    const headers = { ...grpcHeaders(pathOf(getSecret)), ...bearer };
    const stream = door.session.request(headers);
    const ended = new Promise<string>((resolve) => {
      stream.on("trailers", (trailers) => resolve(String(trailers["grpc-status"])));
    });
    for (const byte of framed(getSecret, { path: "a" })) {
      stream.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    stream.resume().end();
    expect(await ended).toBe("0");
  });
});
