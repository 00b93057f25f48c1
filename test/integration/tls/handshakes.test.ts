// Handshakes with real clients: which are refused, and what is learned of those that are not.
import "reflect-metadata";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rename } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import * as x509 from "@peculiar/x509";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Authority, type Leaf, makeAuthority, makeLeaf, makeList } from "../../fixtures/certificates.ts";
import { type Greeting, openWorld, type World } from "./world.ts";

const spiffeId = "spiffe://prod.example/shop/cart";
const anHour = 3_600_000;

function heard(greeting: Greeting): unknown {
  if (!greeting.ok) throw new Error(`refused: ${greeting.code}`);
  return JSON.parse(greeting.said);
}

describe("a server without client certificates", () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it("NET-01 prefers TLS 1.3, speaks 1.2, and agrees on forward secrecy and AEAD only", async () => {
    const newest = await world.greet();
    expect(newest.ok && [newest.socket.getProtocol(), newest.socket.getCipher().standardName]).toEqual([
      "TLSv1.3",
      "TLS_AES_256_GCM_SHA384",
    ]);
    const older = await world.greet(undefined, { maxVersion: "TLSv1.2" });
    expect(older.ok && older.socket.getCipher().standardName).toMatch(/^TLS_ECDHE_ECDSA_WITH_AES_256_GCM/);
  });

  it.each([
    ["TLS 1.0", { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" }],
    ["TLS 1.1", { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }],
    ["RSA key exchange", { maxVersion: "TLSv1.2", ciphers: "AES128-GCM-SHA256:AES256-SHA256@SECLEVEL=0" }],
    ["CBC", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA@SECLEVEL=0" }],
    ["no encryption", { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-NULL-SHA@SECLEVEL=0" }],
    ["no authentication", { maxVersion: "TLSv1.2", ciphers: "AECDH-AES256-SHA@SECLEVEL=0" }],
    ["finite-field groups", { maxVersion: "TLSv1.2", ciphers: "DHE-RSA-AES128-GCM-SHA256@SECLEVEL=0" }],
  ] as const)("NET-01 refuses %s", async (_, options) => {
    expect(await world.greet(undefined, options)).toMatchObject({
      ok: false,
      code: expect.stringMatching(/SSL|ECONN/),
    });
  });

  it("NET-01 refuses to renegotiate, also with a client of another make", async () => {
    const words = ["s_client", "-connect", `127.0.0.1:${world.port}`, "-tls1_2"];
    // Where a server gives in, the client goes on until it is ended.
    const client = spawn("openssl", words, { stdio: ["pipe", "pipe", "pipe"], timeout: 30_000 });
    let said = "";
    for (const stream of [client.stdout, client.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
    client.stdin.on("error", () => {});
    await expect.poll(() => said, { timeout: 30_000 }).toContain("Secure Renegotiation IS supported");
    // What it understands as: renegotiate.
    client.stdin.write("R\n");
    // Not at its exit: what it said last may still be in the pipes then.
    await once(client, "close");
    expect(said).toMatch(/RENEGOTIATING[\s\S]*no renegotiation/);
  });

  it("NET-02 refuses plaintext, be it HTTP/2 or anything else", async () => {
    for (const words of ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "\0\0\0\0"]) {
      const socket = connectPlain(world.port, "127.0.0.1");
      const chunks: Buffer[] = [];
      socket.on("data", (chunk) => chunks.push(chunk)).on("error", () => {});
      socket.end(words);
      await once(socket, "close");
      // A TLS alert at most.
      const answer = Buffer.concat(chunks);
      expect(answer.length === 0 || answer[0] === 0x15).toBe(true);
    }
  });

  it("NET-05 never resumes a session, in either version", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const first = await world.greet(undefined, { maxVersion });
      if (!first.ok) throw new Error(first.code);
      const session = first.socket.getSession();
      const again = await world.greet(undefined, { maxVersion, ...(session === undefined ? {} : { session }) });
      expect(again.ok && again.socket.isSessionReused()).toBe(false);
    }
  });

  it("does not ask for a certificate, and believes none", async () => {
    expect(heard(await world.greet(await makeLeaf(world.authority, { uris: [spiffeId] })))).toBeNull();
  });
});

describe("the newest protocol alone", () => {
  it("NET-01 refuses TLS 1.2 where 1.3 is asked for", async () => {
    await using world = await openWorld({ minVersion: "TLSv1.3" });
    expect(await world.greet(undefined, { maxVersion: "TLSv1.2" })).toMatchObject({ ok: false });
    expect(await world.greet()).toMatchObject({ ok: true });
  });
});

describe.each(["required", "optional"] as const)("client certificates %s", (clientAuth) => {
  let world: World;
  let revoked: Leaf;

  beforeAll(async () => {
    world = await openWorld({
      clientAuth,
      trustDomain: "prod.example",
      crl: async (authority) => {
        revoked = await makeLeaf(authority, { uris: [spiffeId] });
        return makeList(authority, [revoked]);
      },
    });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const refusedOf = async (leaf: Leaf | undefined): Promise<boolean> => !(await world.greet(leaf)).ok;

  it("NET-03 takes identity from the alternative names, with the thumbprint and the end of the certificate", async () => {
    const leaf = await makeLeaf(world.authority, { uris: [spiffeId], dns: ["Cart.Shop.Internal"], commonName: "root" });
    const certificate = new x509.X509Certificate(leaf.pem);
    expect(heard(await world.greet(leaf))).toEqual({
      spiffeId,
      dnsNames: ["cart.shop.internal"],
      thumbprint: Buffer.from(await certificate.getThumbprint("SHA-256")).toString("base64url"),
      expiresAt: certificate.notAfter.toISOString(),
    });
  });

  it("NET-03 takes no identity from the common name", async () => {
    const leaf = await makeLeaf(world.authority, { commonName: "spiffe://prod.example/admin" });
    const certificate = heard(await world.greet(leaf));
    expect(certificate).toMatchObject({ dnsNames: [] });
    expect(certificate).not.toHaveProperty("spiffeId");
  });

  it("NET-03 refuses a chain through an intermediate that has no list, where lists are in force", async () => {
    const between = await makeAuthority("Between", world.authority);
    const leaf = await makeLeaf(between, { uris: [spiffeId] });
    // Its authority has no list, so with lists in force nobody knows whether it is revoked.
    expect(await refusedOf({ ...leaf, pem: leaf.pem + between.pem })).toBe(true);
  });

  it.each([
    ["expired", { notBefore: new Date(Date.now() - 2 * anHour), notAfter: new Date(Date.now() - anHour) }],
    ["not yet valid", { notBefore: new Date(Date.now() + anHour), notAfter: new Date(Date.now() + 2 * anHour) }],
    ["for servers only", { uses: ["server"] }],
    ["of another trust domain", { uris: ["spiffe://test.example/shop/cart"] }],
    ["with two SPIFFE ids", { uris: [spiffeId, "spiffe://prod.example/admin"] }],
    ["with a SPIFFE id beside another URI", { uris: [spiffeId, "https://shop.example/"] }],
    ["with a SPIFFE id and the rights of an authority", { isAuthority: true, keyUsage: 4 | 1 }],
    ["with a SPIFFE id and a key that signs certificates", { keyUsage: x509.KeyUsageFlags.keyCertSign | 1 }],
    ["with the id of a whole trust domain", { uris: ["spiffe://prod.example"] }],
    ["with a SPIFFE id that climbs", { uris: ["spiffe://prod.example/a/../admin"] }],
    ["with a SPIFFE id in capitals", { uris: ["SPIFFE://prod.example/admin"] }],
  ] as const)("NET-03 refuses a certificate that is %s", async (_, options) => {
    expect(await refusedOf(await makeLeaf(world.authority, { uris: [spiffeId], ...options }))).toBe(true);
  });

  it("NET-03 refuses another authority of the same name, a certificate signed by itself, and a revoked one", async () => {
    expect(await refusedOf(await makeLeaf(await makeAuthority(), { uris: [spiffeId] }))).toBe(true);
    expect(await refusedOf(await makeLeaf(undefined, { uris: [spiffeId] }))).toBe(true);
    expect(await refusedOf(revoked)).toBe(true);
    expect(await refusedOf(await makeLeaf(world.authority, { uris: [spiffeId] }))).toBe(false);
  });

  it("NET-03 lets in a client without a certificate only where one is optional", async () => {
    expect(await refusedOf(undefined)).toBe(clientAuth === "required");
  });

  it("NET-03 is refused by clients whose host name the server's certificate lacks", async () => {
    const leaf = await makeLeaf(world.authority, { uris: [spiffeId] });
    const greeting = await world.greet(leaf, { servername: "other.example" });
    expect(greeting).toMatchObject({ ok: false, code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  });

  it("NET-05 checks the certificate of whoever comes back with a session again", async () => {
    const leaf = await makeLeaf(world.authority, { uris: [spiffeId] });
    let session: Buffer | undefined;
    const socket: TLSSocket = connect({
      port: world.port,
      host: "127.0.0.1",
      ca: world.authority.pem,
      servername: "localhost",
      cert: leaf.pem,
      key: leaf.key,
    });
    socket.on("session", (ticket) => {
      session = ticket;
    });
    await once(socket, "data");
    socket.destroy();
    const again = await world.greet(undefined, session === undefined ? {} : { session });
    if (clientAuth === "required") expect(again.ok).toBe(false);
    else expect(heard(again)).toBeNull();
  });
});

describe("authorities in between", () => {
  it("NET-03 are accepted from the client, below an authority that is named, and no other", async () => {
    await using world = await openWorld({ clientAuth: "required" });
    const between = await makeAuthority("Between", world.authority);
    const leaf = await makeLeaf(between, { uris: [spiffeId] });
    expect(heard(await world.greet({ ...leaf, pem: leaf.pem + between.pem }))).toMatchObject({ spiffeId });
    expect(await world.greet(leaf)).toMatchObject({ ok: false });
    const forged = await makeAuthority("Between", await makeAuthority());
    const stranger = await makeLeaf(forged, { uris: [spiffeId] });
    for (const sent of [forged.pem, between.pem, between.pem + world.authority.pem, ""])
      expect(await world.greet({ ...stranger, pem: stranger.pem + sent })).toMatchObject({ ok: false });
  });
});

describe("lists of revoked certificates", () => {
  const minutes = (count: number) => new Date(Date.now() + count * 60_000);
  const listUntil = (nextUpdate: Date) => (authority: Authority) => makeList(authority, [], { nextUpdate });

  it("NET-03 keep the server from starting when one is overdue", async () => {
    const opening = openWorld({ clientAuth: "required", crl: listUntil(minutes(-1)) });
    await expect(opening).rejects.toThrow("holds a list whose next update is overdue: fetch the new one");
  });

  it("NET-03 that go stale close the door on their authority's clients, and end their connections", async () => {
    let now = new Date();
    await using world = await openWorld({
      clientAuth: "required",
      clock: { now: () => now },
      reloadMs: 50,
      crl: listUntil(minutes(30)),
    });
    const leaf = await makeLeaf(world.authority, { uris: [spiffeId] });
    const stands = await world.greet(leaf);
    if (!stands.ok) throw new Error(stands.code);
    const ended = once(stands.socket, "close");
    now = minutes(31);
    await ended;
    expect(await world.greet(leaf)).toMatchObject({ ok: false });
    const complaints = world.logger.lines.filter(({ message }) => message.includes("is overdue"));
    expect(complaints).toHaveLength(1);
    await rename(
      await world.files.write("crl.new", await listUntil(minutes(60))(world.authority)),
      join(world.files.directory, "crl.pem"),
    );
    expect(await world.security.reload()).toBe("changed");
    expect(await world.greet(leaf)).toMatchObject({ ok: true });
  });

  it("NET-03 that are stale by the clock of the machine are refused by the TLS library as well", async () => {
    await using world = await openWorld({
      clientAuth: "required",
      clock: { now: () => minutes(-30) },
      crl: listUntil(minutes(-10)),
    });
    const leaf = await makeLeaf(world.authority, { uris: [spiffeId] });
    expect(await world.greet(leaf)).toMatchObject({ ok: false });
  });
});
