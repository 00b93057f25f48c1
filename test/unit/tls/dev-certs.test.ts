// Certificates for trying things out: what they are good for, and that nothing is overwritten.
import { X509Certificate } from "node:crypto";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeDevCerts } from "../../../src/tls/dev-certs.ts";
import { leafExtensions } from "../../../src/tls/extensions.ts";
import { readMaterial } from "../../../src/tls/material.ts";
import { certificateFiles } from "../../fixtures/certificates.ts";

const now = new Date("2026-11-21T12:00:00.000Z");
const soon = new Date("2026-11-21T12:00:01.000Z");

describe("gatehouse dev-certs", () => {
  it("makes what a server accepts as its own, and a client with a SPIFFE id, for ninety days", async () => {
    await using files = await certificateFiles();
    const directory = join(files.directory, "new", "certs");
    const told = await makeDevCerts({ directory, hosts: ["gate.internal", "10.0.0.1"], now });
    const named = (name: string) => ({ setting: "S", path: join(directory, name) });
    const material = await readMaterial(
      {
        certificate: named("server.pem"),
        key: named("server.key"),
        clientAuth: "required",
        clientAuthorities: named("ca.pem"),
        revoked: undefined,
        minVersion: "TLSv1.2",
        trustDomain: "dev.gatehouse",
        reloadMs: 1_000,
      },
      soon,
    );
    expect(material.notAfter).toEqual(new Date("2027-02-19T12:00:00.000Z"));
    const read = async (name: string) => new X509Certificate(await readFile(join(directory, name)));
    const [authority, server, client] = await Promise.all(["ca.pem", "server.pem", "client.pem"].map(read));
    for (const host of ["localhost", "gate.internal"]) expect(server?.checkHost(host)).toBe(host);
    for (const ip of ["127.0.0.1", "::1", "10.0.0.1"]) expect(server?.checkIP(ip)).toBe(ip);
    expect(authority !== undefined && client?.verify(authority.publicKey)).toBe(true);
    expect(client && leafExtensions(client.raw).uris).toEqual(["spiffe://dev.gatehouse/workload/try"]);
    expect(client?.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    expect(told).toContain("for trying only");
    expect(told).toContain(`GATEHOUSE_TLS_CERT_FILE=${directory}/server.pem`);
  });

  it("keeps keys to their owner, and the authority's key nowhere", async () => {
    await using files = await certificateFiles();
    await makeDevCerts({ directory: files.directory, hosts: [], now });
    expect((await readdir(files.directory)).sort()).toEqual([
      "ca.pem",
      "client.key",
      "client.pem",
      "server.key",
      "server.pem",
    ]);
    for (const name of ["client.key", "server.key"])
      expect((await stat(join(files.directory, name))).mode & 0o777).toBe(0o600);
  });

  it.each(["ca.pem", "server.key", "client.pem"])("overwrites nothing: %s", async (name) => {
    await using files = await certificateFiles();
    const directory = join(files.directory, "certs");
    await mkdir(directory);
    await writeFile(join(directory, name), "mine");
    const making = makeDevCerts({ directory, hosts: [], now });
    await expect(making).rejects.toThrow(`${name} is there already`);
    expect(await readFile(join(directory, name), "utf8")).toBe("mine");
    expect(await readdir(directory)).toEqual([name]);
  });

  it.each(["", "a b", "-x", "a..b", "http://a", "a/../b"])("refuses the host %j", async (host) => {
    await using files = await certificateFiles();
    const making = makeDevCerts({ directory: join(files.directory, "x"), hosts: [host], now });
    await expect(making).rejects.toThrow("--host takes a host name or an IP address");
    expect(await readdir(files.directory)).toEqual([]);
  });
});
