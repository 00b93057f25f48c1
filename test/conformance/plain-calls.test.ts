// The door speaks gRPC itself for calls of the usual form and leaves the rest to grpc-js: whichever of the two reads a
// request, the caller sees the same.
import { constants } from "node:http2";
import { setImmediate as turn } from "node:timers/promises";
import { create, toBinary } from "@bufbuild/protobuf";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatehouseError } from "../../src/kernel/errors.ts";
import { allow, principalOf } from "../fakes/principal.ts";
import { openAttacker } from "../fixtures/http2/attacker.ts";
import * as frames from "../fixtures/http2/frames.ts";
import { callFields, headerBlock } from "../fixtures/http2/frames.ts";
import { frame, framed, grpcHeaders, openTestDoor, pathOf, type RawAnswer, send, type TestDoor } from "./door.ts";

const { getSecret } = SecretsService.method;
const bearer = { authorization: "Bearer good" };
let door: TestDoor;
let reached: string[] = [];

beforeAll(async () => {
  door = await openTestDoor({
    tokens: { good: principalOf({ grants: [allow("*", "")] }) },
    script: {
      "SecretsService/GetSecret": async (request: unknown) => {
        reached.push((request as { readonly path: string }).path);
        return {};
      },
    },
  });
});
afterAll(() => door.close());

const seen = ({ code, status, trailersOnly, body }: RawAnswer) => ({
  code,
  reason: status?.info?.reason,
  trailersOnly,
  bytes: body.byteLength,
});

/** Flag 0 with an encoding named: grpc-js reads it, and nothing is decompressed. */
const throughLibrary = { "grpc-encoding": "gzip" };

const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => frame(bytes)),
  fc.string({ maxLength: 20 }).map((path) => frame(toBinary(getSecret.input, create(getSecret.input, { path })))),
  fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.nat({ max: 255 })).map(([bytes, flag]) => frame(bytes, flag)),
);

describe("a call of the usual form", () => {
  it("RPC-08 is answered as grpc-js would have it read, whatever its bytes", async () => {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        // A flag of 1 means something else when an encoding is named.
        fc.pre(body[0] !== 1);
        const headers = { ...grpcHeaders(pathOf(getSecret)), ...bearer };
        const [plain, library] = await Promise.all([
          send(door.session, headers, body),
          send(door.session, { ...headers, ...throughLibrary }, body),
        ]);
        expect(seen(plain)).toEqual(seen(library));
      }),
      { numRuns: 300 },
    );
  });

  it("may come in as many pieces as its sender likes", async () => {
    reached = [];
    const body = framed(getSecret, { path: "team-a/database" });
    const stream = door.session.request({ ...grpcHeaders(pathOf(getSecret)), ...bearer });
    const answered = new Promise((resolve) => stream.once("trailers", resolve));
    stream.resume();
    for (const byte of body) {
      stream.write(Buffer.from([byte]));
      await turn();
    }
    stream.end();
    expect(await answered).toMatchObject({ "grpc-status": "0" });
    expect(reached).toEqual(["team-a/database"]);
  });

  it("RPC-05 reaches no handler when its caller goes away in the middle of the request", async () => {
    reached = [];
    const stream = door.session.request({ ...grpcHeaders(pathOf(getSecret)), ...bearer });
    stream.on("error", () => {});
    const closed = new Promise((resolve) => stream.once("close", resolve));
    stream.write(framed(getSecret, { path: "team-a/database" }).subarray(0, 9));
    stream.close(constants.NGHTTP2_CANCEL);
    await closed;
    const next = await send(
      door.session,
      { ...grpcHeaders(pathOf(getSecret)), ...bearer },
      framed(getSecret, { path: "next" }),
    );
    expect(next.code).toBe(0);
    expect(reached).toEqual(["next"]);
  });

  it.each([
    ["as it is", {}, constants.NGHTTP2_NO_ERROR],
    ["as it is", {}, constants.NGHTTP2_CANCEL],
    ["read by the library", throughLibrary, constants.NGHTTP2_NO_ERROR],
    ["read by the library", throughLibrary, constants.NGHTTP2_CANCEL],
  ])(
    "RPC-05 reaches no handler when it is whole, %s, and its caller resets it instead of ending it",
    async (_what, more, code) => {
      reached = [];
      const { hostname: host, port } = new URL(`http://${door.door.address}`);
      const caller = await openAttacker({ host, port: Number(port) });
      const fields = callFields(pathOf(getSecret), Object.entries({ ...bearer, ...more }));
      const { type, flag, uint32 } = frames;
      const open = (id: number) => frames.frame(type.headers, flag.endHeaders, id, headerBlock(fields));
      const ask = (path: string) => framed(getSecret, { path });
      await caller.send(
        open(1),
        frames.frame(type.data, 0, 1, ask("given up")),
        frames.frame(type.rstStream, 0, 1, uint32(code)),
        open(3),
        frames.frame(type.data, flag.endStream, 3, ask("asked")),
      );
      expect(await caller.until(({ streamId }) => streamId === 3)).toMatchObject({ kind: type.headers });
      caller.end();
      expect(reached).toEqual(["asked"]);
    },
  );

  it.each([{}, throughLibrary])(
    "RPC-08 is read as usual when it ends with trailers, or is refused for a second message: %j",
    async (more) => {
      const fields = { ...grpcHeaders(pathOf(getSecret)), ...bearer, ...more };
      const whole = framed(getSecret, { path: "team-a/database" });
      const withTrailers = await new Promise((resolve) => {
        const stream = door.session.request(fields, { waitForTrailers: true });
        stream.once("wantTrailers", () => stream.sendTrailers({ authorization: "Bearer other" }));
        stream.once("trailers", resolve).resume();
        stream.end(whole);
      });
      expect(withTrailers).toMatchObject({ "grpc-status": "0" });
      const twice = await send(door.session, fields, Buffer.concat([whole, whole]));
      expect(twice.status?.info?.reason).toBe("REQUEST_MALFORMED");
    },
  );

  it("percent-encodes what a message of an error holds beyond printable ASCII", async () => {
    const { login } = AuthService.method;
    const fail = async () => {
      throw new GatehouseError("REQUEST_INVALID", { message: "100% \u00e9 \u{1f512}" });
    };
    const own = await openTestDoor({ script: { "AuthService/Login": fail } });
    try {
      const request = framed(login, { loginName: "ada", password: "a quiet harbour at dawn" });
      const answer = await send(own.session, grpcHeaders(pathOf(login)), request);
      expect(answer.headers?.["grpc-message"]).toBe("100%25 %C3%A9 %F0%9F%94%92");
    } finally {
      await own.close();
    }
  });
});
