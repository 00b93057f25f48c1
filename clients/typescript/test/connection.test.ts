// Where the client connects to, and that tokens never travel in clear beyond this machine unless that is said out loud.
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import * as grpc from "@grpc/grpc-js";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createGatehouse, type GatehouseOptions } from "../src/create-gatehouse.ts";
import { parseAddress } from "../src/transport/address.ts";
import { connect } from "./scripted-client.ts";
import { startServer } from "./scripted-server.ts";
import { testCertificate, testKey } from "./test-certificate.ts";

const { getSecret } = SecretsService.method;

describe("address", () => {
  it.each([
    "127.0.0.1:50051",
    "127.255.0.3:1",
    "localhost:80",
    "LOCALHOST:80",
    "[::1]:50051",
    "unix:/run/g.sock",
    "unix:///a",
    "dns:localhost:1",
  ])("%s stays on this machine", (text) => expect(parseAddress(text)).toMatchObject({ target: text, local: true }));

  it.each([
    "gatehouse.internal:443",
    "10.0.0.1:50051",
    "dns:///gatehouse:443",
    "[2001:db8::1]:443",
    "127.0.0.1.evil.example:443",
    "127.0.0.256:443",
    "127.1:443",
    "localhost.evil.example:443",
    "[::ffff:10.0.0.1]:443",
    "0.0.0.0:50051",
  ])("%s may leave it", (text) => expect(parseAddress(text).local).toBe(false));

  it("is balanced over its addresses when it says dns:", () => {
    expect(parseAddress("dns:gatehouse:443").balanced).toBe(true);
    expect(parseAddress("gatehouse:443").balanced).toBe(false);
  });

  it.each([
    "",
    "localhost",
    "localhost:",
    "localhost:0",
    "localhost:65536",
    "http://localhost:80",
    "localhost:80/x",
    "unix:",
    "unix:relative",
    "unix://host/a",
    "ipv4:10.0.0.1:1,127.0.0.1:1",
    "127.0.0.1:1@evil.example:2",
    "evil.example#127.0.0.1:1",
    "xds:///x",
    " localhost:80",
    "localhost:80\n",
  ])("%j is refused", (text) => expect(() => parseAddress(text)).toThrow(TypeError));

  it("takes any text without hanging, and calls local only what is", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."127.0:localhostunix/[]dns@,#") }), (text) => {
        try {
          if (parseAddress(text).local)
            expect(text).toMatch(/^(dns:(\/\/\/)?)?(127\.|localhost:|\[::1\]:)|^unix:\/(\/\/)?/i);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
        }
      }),
    );
  });
});

describe("plaintext", () => {
  const open = (options: GatehouseOptions) => createGatehouse(options).close();

  it("beyond this machine has to be said out loud", () => {
    expect(() => open({ address: "gatehouse:50051", tls: false })).toThrow(/insecure/);
    expect(() => open({ address: "gatehouse:50051", tls: false, insecure: true })).not.toThrow();
    expect(() => open({ address: "gatehouse:50051" })).not.toThrow();
  });

  it("is not what a remote address gets by itself", async () => {
    const server = await startServer("0.0.0.0:0");
    const address = server.address.replace("127.0.0.1", "0.0.0.0");
    const { secrets } = connect({ address }, { credentials: "secret", retry: { maxAttempts: 1 } });
    await expect(secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "UNREACHABLE" });
    expect(server.calls).toHaveLength(0);
  });

  describe("with a proxy in the environment", () => {
    afterEach(() => vi.unstubAllEnvs());

    it("does not go through it on this machine", async () => {
      vi.stubEnv("grpc_proxy", "http://127.0.0.1:9");
      const server = await startServer();
      server.on(getSecret, () => ({}));
      await connect(server).secrets.getSecret({ path: "a" });
      expect(server.calls).toHaveLength(1);
    });
  });
});

describe("TLS", () => {
  const start = () => {
    const pair = { private_key: Buffer.from(testKey), cert_chain: Buffer.from(testCertificate) };
    return startServer("127.0.0.1:0", grpc.ServerCredentials.createSsl(null, [pair]));
  };

  it("carries calls when the authority is known", async () => {
    const server = await start();
    server.on(getSecret, () => ({}));
    await connect(server, { tls: { ca: testCertificate } }).secrets.getSecret({ path: "a" });
    expect(server.calls).toHaveLength(1);
  });

  it("refuses a server that no known authority vouches for, before any token is sent", async () => {
    const server = await start();
    const { secrets } = connect(server, { tls: {}, credentials: "secret", retry: { maxAttempts: 1 } });
    await expect(secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "UNREACHABLE" });
    expect(server.calls).toHaveLength(0);
  });
});
