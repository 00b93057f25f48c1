// h2spec (RFC 9113 and RFC 7541) against our doors: no failure that the bare library on the same Node does not have.
import { once } from "node:events";
import type { ClientHttp2Session } from "node:http2";
import { describe, expect, it, onTestFinished } from "vitest";
import { openTestDoor } from "../door.ts";
import { openTestWebDoor, sessionOf } from "../web-door.ts";
import { startBareGrpc, startBareHttp2 } from "./h2spec/bare-servers.ts";
import { compare } from "./h2spec/run.ts";

const check = "/grpc.health.v1.Health/Check";
// The port speaks HTTP/1.1 too: what is no preface of HTTP/2 is taken for a request of that, and answered 400.
const alsoHttp1 = ["http2/3.5: Sends invalid connection preface"];
const longestMs = 300_000;

const portOf = (address: string) => Number(address.slice(address.lastIndexOf(":") + 1));

/** How many streams a server allows on one connection. */
async function allowedStreams(session: ClientHttp2Session): Promise<number> {
  if (session.connecting) await once(session, "remoteSettings");
  return session.remoteSettings.maxConcurrentStreams ?? 0;
}

describe("h2spec", () => {
  it(
    "finds no failure on the gRPC door that bare grpc-js does not have",
    async () => {
      const ours = await openTestDoor();
      onTestFinished(() => ours.close());
      const bare = await startBareGrpc(check, await allowedStreams(ours.session));
      onTestFinished(() => bare.stop());
      const result = await compare({ port: portOf(ours.door.address), path: check }, { port: bare.port, path: check });
      expect(result.ours.run).toBeGreaterThan(138);
      expect(result.worse).toEqual([]);
    },
    longestMs,
  );

  it(
    "finds no failure on the web door that bare node:http2 does not have",
    async () => {
      const ours = await openTestWebDoor();
      onTestFinished(() => ours.close());
      const session = sessionOf(ours);
      onTestFinished(() => session.destroy());
      const bare = await startBareHttp2(await allowedStreams(session));
      onTestFinished(() => bare.stop());
      const result = await compare({ port: ours.port, path: "/healthz" }, { port: bare.port, path: "/healthz" });
      expect(result.ours.run).toBeGreaterThan(138);
      expect(result.ours.failures).toEqual(expect.arrayContaining(alsoHttp1));
      // Where the reference was too slow for it, too, it is not worse.
      expect(result.worse.filter((name) => !alsoHttp1.includes(name))).toEqual([]);
    },
    longestMs,
  );
});
