// Changes that meet each other or a client who prepared for them: what is in force afterwards is what the files say.
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import type { PeerCertificate } from "../../../src/kernel/handler.ts";
import { type Leaf, makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";
import { openWorld, type World } from "./world.ts";

const server = { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] } as const;

async function put(world: World, name: string, text: string): Promise<void> {
  await rename(await world.files.write(`${name}.new`, text), join(world.files.directory, name));
}

async function putServer(world: World): Promise<string> {
  const leaf = await makeLeaf(world.authority, server);
  await put(world, "server.key", leaf.key);
  await put(world, "server.pem", leaf.pem);
  return leaf.serial;
}

async function connected(world: World, leaf?: Leaf): Promise<TLSSocket> {
  const greeting = await world.greet(leaf);
  if (!greeting.ok) throw new Error(`refused: ${greeting.code}`);
  greeting.socket.on("error", () => {});
  return greeting.socket;
}

async function served(world: World): Promise<string | undefined> {
  const socket = await connected(world);
  const serial = socket.getPeerX509Certificate()?.serialNumber.toLowerCase();
  socket.destroy();
  return serial;
}

const serialOf = (pem: string): string => new X509Certificate(pem).serialNumber.toLowerCase();

describe("changes that meet", () => {
  it("NET-05 end with the newest files, also when an older change was on its way to the record meanwhile", async () => {
    await using world = await openWorld({ reloadMs: 50 });
    const before = await served(world);
    const older = await makeLeaf(world.authority, server);
    // As SIGHUP does it: read, put on record, apply.
    await put(world, "server.key", older.key);
    await put(world, "server.pem", older.pem);
    const taken: (string | undefined)[] = [];
    world.security.onChange(({ cert }) => taken.push(serialOf(cert as string)));
    const prepared = await world.security.prepare();
    expect(before).not.toBe(older.serial);
    const newest = await putServer(world);
    await expect.poll(() => served(world), { timeout: 20_000 }).toBe(newest);
    prepared.apply();
    // Not by a handshake: the next look may be faster.
    expect(taken.at(-1)).toBe(older.serial);
    await expect.poll(() => served(world), { timeout: 20_000 }).toBe(newest);
  });
});

describe("a client that sent more certificates than its own", () => {
  it("NET-03 does not stay because one of them is another authority's, whose name alone leads there", async () => {
    await using world = await openWorld({ clientAuth: "required" });
    const next = await makeAuthority("The next authority");
    // Everybody can have this one: it is shown at every handshake of those below it.
    const namesake = await makeAuthority("Test Authority", next);
    const leaf = await makeLeaf(world.authority);
    const seen: PeerCertificate[] = [];
    world.server.once("secureConnection", (socket) => seen.push(world.security.identify(socket) as PeerCertificate));
    const socket = await connected(world, { ...leaf, pem: leaf.pem + namesake.pem });
    const ended = once(socket, "close");
    await put(world, "ca.pem", next.pem);
    expect(await world.security.reload()).toBe("changed");
    await ended;
    const [certificate] = seen;
    if (certificate === undefined) throw new Error("nobody came");
    expect(() => world.security.requireLive(certificate, new Date())).toThrow(
      expect.objectContaining({ auditReason: "CERTIFICATE_UNTRUSTED" }),
    );
  });

  it("NET-03 stays when its chain leads to an authority that is believed now, through what it sent", async () => {
    await using world = await openWorld({ clientAuth: "required" });
    const between = await makeAuthority("Between", world.authority);
    const leaf = await makeLeaf(between);
    const socket = await connected(world, { ...leaf, pem: leaf.pem + between.pem });
    const stranger = await makeAuthority("Stranger");
    await put(world, "ca.pem", world.authority.pem + stranger.pem);
    expect(await world.security.reload()).toBe("changed");
    await put(world, "ca.pem", stranger.pem + world.authority.pem + between.pem);
    expect(await world.security.reload()).toBe("changed");
    expect(socket.closed).toBe(false);
    const ended = once(socket, "close");
    await put(world, "ca.pem", stranger.pem);
    expect(await world.security.reload()).toBe("changed");
    await ended;
  });

  it("NET-03 does not stay by a handshake that began with an authority that has gone since", async () => {
    let now = new Date();
    await using world = await openWorld({ clientAuth: "required", clock: { now: () => now } });
    const between = await makeAuthority("Between", world.authority);
    const leaf = await makeLeaf(between);
    const pem = leaf.pem + between.pem;
    await put(world, "ca.pem", world.authority.pem + (await makeAuthority("Stranger")).pem);
    expect(await world.security.reload()).toBe("changed");
    expect(await world.greet({ ...leaf, pem })).toMatchObject({ ok: true });
    await put(world, "ca.pem", world.authority.pem);
    expect(await world.security.reload()).toBe("changed");
    // Whoever comes right after the change may have been verified before it. One that is issued by an authority is seen through.
    expect(await world.greet({ ...leaf, pem })).toMatchObject({ ok: false });
    expect(await world.greet(await makeLeaf(world.authority))).toMatchObject({ ok: true });
    now = new Date(now.getTime() + 10_000);
    expect(await world.greet({ ...leaf, pem })).toMatchObject({ ok: true });
  });
});
