// Certificates that change under a running server, and what becomes of the connections that stand.
import { once } from "node:events";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import type { PeerCertificate } from "../../../src/kernel/handler.ts";
import { type Authority, type Leaf, makeAuthority, makeLeaf, makeList, rsaOf } from "../../fixtures/certificates.ts";
import { type Greeting, openWorld, type World } from "./world.ts";

const spiffeId = "spiffe://prod.example/shop/cart";
const server = { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] } as const;

function socketOf(greeting: Greeting): TLSSocket {
  if (!greeting.ok) throw new Error(`refused: ${greeting.code}`);
  return greeting.socket;
}

async function servedSerial(world: World): Promise<string | undefined> {
  const socket = socketOf(await world.greet());
  const serial = socket.getPeerX509Certificate()?.serialNumber.toLowerCase();
  socket.destroy();
  return serial;
}

/** As tools write them: beside, then renamed, so that nobody reads half a file. */
async function put(world: World, name: string, text: string): Promise<void> {
  const beside = await world.files.write(`${name}.new`, text);
  await rename(beside, join(world.files.directory, name));
}

async function putServer(world: World, leaf: Leaf): Promise<void> {
  await put(world, "server.key", leaf.key);
  await put(world, "server.pem", leaf.pem);
}

describe("files that change", () => {
  it("NET-05 serves the new certificate to new connections, and leaves the old ones alone", async () => {
    await using world = await openWorld();
    const old = socketOf(await world.greet());
    const before = await servedSerial(world);
    const next = await makeLeaf(world.authority, server);
    await putServer(world, next);
    expect(await servedSerial(world)).toBe(before);
    expect(await world.security.reload()).toBe("changed");
    expect(await servedSerial(world)).toBe(next.serial);
    expect(old.closed).toBe(false);
    expect(old.write("still here")).toBe(true);
    expect(await world.security.reload()).toBe("unchanged");
  });

  it("NET-05 is seen without being told, also when the files are links that are pointed elsewhere", async () => {
    await using world = await openWorld({ reloadMs: 100 });
    const next = await makeLeaf(world.authority, server);
    await putServer(world, next);
    await expect.poll(() => servedSerial(world), { timeout: 20_000 }).toBe(next.serial);
  });

  it("keeps the limits of the handshake with the new files", async () => {
    await using world = await openWorld({ clientAuth: "required" });
    await putServer(world, await makeLeaf(world.authority, server));
    expect(await world.security.reload()).toBe("changed");
    expect(await world.greet()).toMatchObject({ ok: false });
    const stranger = await makeLeaf(await makeAuthority(), { uris: [spiffeId] });
    expect(await world.greet(stranger)).toMatchObject({ ok: false });
    const known = await makeLeaf(world.authority, { uris: [spiffeId] });
    const old = await world.greet(known, { maxVersion: "TLSv1.2" });
    expect(socketOf(old).getCipher().standardName).toMatch(/ECDHE.*GCM/);
    const session = socketOf(old).getSession();
    const again = await world.greet(known, { maxVersion: "TLSv1.2", ...(session === undefined ? {} : { session }) });
    expect(socketOf(again).isSessionReused()).toBe(false);
  });
});

describe("a change that cannot be put on record", () => {
  it("NET-05 is not made, and is made once it can be, without the files changing again", async () => {
    let broken = true;
    const recorded: string[] = [];
    const record = async (changed: readonly string[]) => {
      if (broken) throw new GatehouseError("DATABASE_UNAVAILABLE");
      recorded.push(...changed);
    };
    await using world = await openWorld({ reloadMs: 100, record });
    const before = await servedSerial(world);
    const next = await makeLeaf(world.authority, server);
    await putServer(world, next);
    const complained = () => world.logger.lines.some(({ level }) => level === "error");
    await expect.poll(complained, { timeout: 20_000 }).toBe(true);
    expect(await servedSerial(world)).toBe(before);
    broken = false;
    await expect.poll(() => servedSerial(world), { timeout: 20_000 }).toBe(next.serial);
    expect(recorded).toEqual(["tls"]);
  });
});

describe("files that change for the worse", () => {
  const hour = 3_600_000;
  type Harm = (world: World) => Promise<void>;
  const ofServer =
    (options: Parameters<typeof makeLeaf>[1]): Harm =>
    async (world) =>
      putServer(world, await makeLeaf(world.authority, { ...server, ...options }));
  const harms: readonly (readonly [string, Harm, string])[] = [
    ["a missing key", (world) => rm(world.settings.key.path), "server.key of GATEHOUSE_TLS_KEY_FILE does not exist"],
    [
      "no certificate",
      (world) => put(world, "server.pem", "hunter2"),
      "server.pem of GATEHOUSE_TLS_CERT_FILE holds no certificate in PEM",
    ],
    [
      "half a certificate",
      async (world) => put(world, "server.pem", (await makeLeaf(world.authority)).pem.replace(/^(M.{8}).*$/m, "$1")),
      "holds a certificate that cannot be read",
    ],
    [
      "a key that is none",
      (world) => put(world, "server.key", "hunter2"),
      "server.key of GATEHOUSE_TLS_KEY_FILE holds no private key in PEM",
    ],
    [
      "another certificate's key",
      async (world) => put(world, "server.key", (await makeLeaf(world.authority)).key),
      "does not belong to the first certificate of",
    ],
    [
      "a key that anyone may read",
      async (world) => {
        await rm(world.settings.key.path);
        await writeFile(world.settings.key.path, "", { mode: 0o644 });
      },
      "is open to other users (mode 0644): set it to 0600 and consider the key read",
    ],
    [
      "a key under a passphrase",
      (world) =>
        put(world, "server.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"),
      "is locked with a passphrase",
    ],
    [
      "an expired certificate",
      ofServer({ notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() - hour) }),
      "server.pem of GATEHOUSE_TLS_CERT_FILE has expired",
    ],
    [
      "a certificate that is not valid yet",
      ofServer({ notBefore: new Date(Date.now() + hour), notAfter: new Date(Date.now() + 2 * hour) }),
      "is not valid yet",
    ],
    [
      "a certificate for clients",
      ofServer({ uses: ["client"] }),
      "is not for servers: its extended key usage lacks serverAuth",
    ],
    ["a certificate without names", ofServer({ dns: [], ips: [] }), "names no host in its subject alternative names"],
    ["a short RSA key", ofServer({ algorithm: rsaOf(1024) }), "has an RSA key of less than 2048 bits"],
    [
      "a chain in the wrong order",
      async (world) => {
        const leaf = await makeLeaf(world.authority, server);
        await put(world, "server.key", leaf.key);
        await put(world, "server.pem", leaf.pem + (await makeAuthority("Stranger")).pem);
      },
      "is out of order",
    ],
    [
      "no authorities",
      (world) => put(world, "ca.pem", ""),
      "ca.pem of GATEHOUSE_TLS_CLIENT_CA_FILE holds no certificate in PEM",
    ],
    [
      "an authority that is none",
      async (world) => put(world, "ca.pem", (await makeLeaf(world.authority)).pem),
      "holds a certificate that is no authority's",
    ],
    [
      "a list of another authority",
      async (world) => put(world, "crl.pem", await makeList(await makeAuthority(), [])),
      "holds a list that none of the authorities of GATEHOUSE_TLS_CLIENT_CA_FILE signed",
    ],
    [
      "a list that was changed",
      async (world) => put(world, "crl.pem", await tampered(world.authority)),
      "holds a list that none of the authorities of GATEHOUSE_TLS_CLIENT_CA_FILE signed",
    ],
    [
      "an overdue list",
      async (world) =>
        put(world, "crl.pem", await makeList(world.authority, [], { nextUpdate: new Date(Date.now() - 1_000) })),
      "holds a list whose next update is overdue",
    ],
    [
      "no list",
      (world) => put(world, "crl.pem", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"),
      "crl.pem of GATEHOUSE_TLS_CRL_FILE holds a list that cannot be read",
    ],
    [
      "no list for a new authority",
      async (world) => put(world, "ca.pem", world.authority.pem + (await makeAuthority("Second")).pem),
      "lacks the list of one of the authorities",
    ],
  ];

  async function tampered(authority: Authority): Promise<string> {
    const revoked = await makeLeaf(authority);
    const pem = await makeList(authority, [revoked]);
    const der = Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64");
    // A byte of the serial number, so that another certificate would be revoked.
    der.writeUInt8(0x41, der.indexOf(Buffer.from(revoked.serial, "hex")));
    return `-----BEGIN X509 CRL-----\n${der.toString("base64")}\n-----END X509 CRL-----\n`;
  }

  it.each(harms)("keeps the earlier files when the new ones hold %s, and says so", async (_, harm, said) => {
    await using world = await openWorld({ clientAuth: "optional", crl: (authority) => makeList(authority, []) });
    const before = await servedSerial(world);
    const client = await makeLeaf(world.authority, { uris: [spiffeId] });
    const stands = socketOf(await world.greet(client));
    await harm(world);
    await expect(world.security.prepare()).rejects.toThrow(said);
    expect(await world.security.reload()).toBe("kept");
    const [line] = world.logger.lines.filter(({ level }) => level === "error");
    expect(line?.fields).toMatchObject({ reason: expect.stringContaining(said) });
    expect(JSON.stringify(line)).not.toContain("hunter2");
    expect(await servedSerial(world)).toBe(before);
    expect(stands.closed).toBe(false);
    expect(await world.greet(client)).toMatchObject({ ok: true });
  });
});

describe("client certificates that die", () => {
  const dead = (fault: string) => expect.objectContaining({ reason: "CREDENTIAL_INVALID", auditReason: fault });

  async function admitted(world: World, leaf: Leaf) {
    const seen: PeerCertificate[] = [];
    const hear = (socket: TLSSocket) => seen.push(world.security.identify(socket) as PeerCertificate);
    world.server.once("secureConnection", hear);
    const socket = socketOf(await world.greet(leaf));
    socket.on("error", () => {});
    const [certificate] = seen;
    if (certificate === undefined) throw new Error("nobody came");
    return { socket, certificate };
  }

  it("NET-03 NET-05 ends the connections of those that a new list revokes, and no others", async () => {
    await using world = await openWorld({ clientAuth: "required", crl: (authority) => makeList(authority, []) });
    const [lost, kept] = await Promise.all([
      makeLeaf(world.authority, { uris: [spiffeId] }),
      makeLeaf(world.authority),
    ]);
    const first = await admitted(world, lost);
    const other = await admitted(world, kept);
    const ended = once(first.socket, "close");
    await put(world, "crl.pem", await makeList(world.authority, [lost]));
    const now = new Date();
    world.security.requireLive(first.certificate, now);
    expect(await world.security.reload()).toBe("changed");
    await ended;
    expect(() => world.security.requireLive(first.certificate, now)).toThrow(dead("CERTIFICATE_REVOKED"));
    world.security.requireLive(other.certificate, now);
    expect(other.socket.closed).toBe(false);
    expect(await world.greet(lost)).toMatchObject({ ok: false });
  });

  it("NET-03 refuses calls from the moment the certificate expires, and ends its connection", async () => {
    let now = new Date();
    await using world = await openWorld({ clientAuth: "required", clock: { now: () => now }, reloadMs: 100 });
    const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000);
    const { socket, certificate } = await admitted(world, await makeLeaf(world.authority, { notAfter }));
    world.security.requireLive(certificate, new Date(notAfter.getTime() - 1));
    expect(() => world.security.requireLive(certificate, notAfter)).toThrow(dead("CERTIFICATE_EXPIRED"));
    expect(socket.closed).toBe(false);
    const ended = once(socket, "close");
    now = notAfter;
    await ended;
  });

  it("NET-03 ends the connections of an authority that is believed no more", async () => {
    await using world = await openWorld({ clientAuth: "required" });
    const { socket, certificate } = await admitted(world, await makeLeaf(world.authority));
    const ended = once(socket, "close");
    await put(world, "ca.pem", (await makeAuthority()).pem);
    expect(await world.security.reload()).toBe("changed");
    await ended;
    expect(() => world.security.requireLive(certificate, new Date())).toThrow(GatehouseError);
    expect(() => world.security.requireLive(certificate, new Date())).toThrow(dead("CERTIFICATE_UNTRUSTED"));
  });

  it("NET-03 ends the connections below an intermediate that is revoked", async () => {
    const between: { authority?: Authority } = {};
    const lists = async (authority: Authority, revoked: readonly Leaf[]) => {
      between.authority ??= await makeAuthority("Between", authority);
      return (await makeList(authority, revoked)) + (await makeList(between.authority, []));
    };
    await using world = await openWorld({ clientAuth: "required", crl: (authority) => makeList(authority, []) });
    await put(world, "crl.pem", await lists(world.authority, []));
    const middle = between.authority as Authority;
    await put(world, "ca.pem", world.authority.pem + middle.pem);
    expect(await world.security.reload()).toBe("changed");
    const leaf = await makeLeaf(middle, { uris: [spiffeId] });
    const { socket } = await admitted(world, { ...leaf, pem: leaf.pem + middle.pem });
    const ended = once(socket, "close");
    await put(world, "crl.pem", await lists(world.authority, [{ pem: "", key: "", serial: middle.serial }]));
    expect(await world.security.reload()).toBe("changed");
    await ended;
  });
});
