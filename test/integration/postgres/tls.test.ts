// A PostgreSQL that speaks TLS, right and wrong certificates on it, and the real command in front.
import { chmod, chown, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionSettings } from "../../../src/postgres/connection.ts";
import { findOsUser } from "../../../src/postgres/embedded/os-user.ts";
import { type EmbeddedServer, startEmbedded } from "../../../src/postgres/embedded/server.ts";
import {
  type Authority,
  type CertificateFiles,
  certificateFiles,
  type LeafOptions,
  makeAuthority,
  makeLeaf,
} from "../../fixtures/certificates.ts";
import { makeDataDirectory } from "../../fixtures/data-directory.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";
import { type Environment, runGatehouse } from "../server/gatehouse-process.ts";
import { type Installation, makeInstallation } from "../server/installation.ts";

// A loopback address that nobody else listens on, so that the usual port is free.
const address = `127.77.${process.pid % 250}.${(process.pid >> 8) % 250}`;

describe("a database that speaks TLS", () => {
  let files: CertificateFiles;
  let data: string;
  let authority: Authority;
  let installation: Installation;
  let caFile: string;
  let server: EmbeddedServer | undefined;

  /** Owned by whom PostgreSQL runs as. */
  async function give(name: string, text: string): Promise<string> {
    const path = await files.write(name, text);
    const user = await findOsUser();
    if (user !== undefined) await chown(path, user.uid, user.gid);
    return path;
  }

  async function start(by: Authority | undefined, leaf: LeafOptions): Promise<void> {
    await server?.stop();
    const { pem, key } = await makeLeaf(by, { uses: ["server"], ...leaf });
    server = await startEmbedded({
      dataDirectory: data,
      logger: silentLogger,
      overrides: {
        listen_addresses: address,
        ssl: "on",
        ssl_cert_file: await give("server.pem", pem),
        ssl_key_file: await give("server.key", key),
        hba_file: await give("hba.conf", "local all all scram-sha-256\nhostssl all all 127.0.0.0/8 scram-sha-256\n"),
      },
    });
  }

  function urlOf({ user, password, database }: ConnectionSettings, query: string): string {
    return `postgres://${user}:${password.expose()}@${address}:5432/${database}?${query}`;
  }

  const given = (login: "owner" | "app", query: string): Environment => ({
    ...installation.environment,
    [login === "owner" ? "GATEHOUSE_DATABASE_OWNER_URL" : "GATEHOUSE_DATABASE_URL"]: urlOf(
      (server as EmbeddedServer).connection(login),
      query,
    ),
  });
  const full = () => `sslmode=verify-full&sslrootcert=${caFile}`;
  const both = (query: string): Environment => ({ ...given("app", query), ...given("owner", query) });

  beforeAll(async () => {
    files = await certificateFiles();
    await chmod(files.directory, 0o755);
    data = await makeDataDirectory("gatehouse-pgtls-");
    authority = await makeAuthority();
    caFile = await files.write("ca.pem", authority.pem, 0o644);
    installation = await makeInstallation();
    await start(authority, { ips: [address] });
  });
  afterAll(async () => {
    await installation[Symbol.asyncDispose]();
    await server?.stop();
    await rm(data, { recursive: true, force: true });
    await files[Symbol.asyncDispose]();
  });

  it("NET-04 is migrated and served over a connection that is verified in full", async () => {
    expect(await runGatehouse(both(full()), ["migrate"])).toMatchObject({ code: 0 });
    const running = await installation.start(given("app", full()));
    expect(await running.stop()).toMatchObject({ code: 0 });
    const byFile = { ...given("app", "sslmode=verify-full"), GATEHOUSE_DATABASE_CA_FILE: caFile };
    const again = await installation.start(byFile);
    expect(await again.stop()).toMatchObject({ code: 0 });
  });

  const rogues: readonly (readonly [string, () => Promise<void>, string])[] = [
    [
      "is signed by an authority of the same name",
      async () => start(await makeAuthority(), { ips: [address] }),
      "CERT_SIGNATURE_FAILURE",
    ],
    ["is signed by itself", () => start(undefined, { ips: [address] }), "DEPTH_ZERO_SELF_SIGNED_CERT"],
    [
      "is for another address",
      () => start(authority, { ips: ["127.0.0.1"], dns: ["localhost"] }),
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ],
    [
      "says the address only in its common name",
      () => start(authority, { dns: ["db.internal"], commonName: address }),
      "ERR_TLS_CERT_ALTNAME_INVALID",
    ],
    [
      "has expired",
      () => start(authority, { ips: [address], notAfter: new Date(Date.now() - 60_000) }),
      "CERT_HAS_EXPIRED",
    ],
    ["is for clients", () => start(authority, { ips: [address], uses: ["client"] }), "INVALID_PURPOSE"],
  ];

  it.each(rogues)(
    "NET-04 refuses to start, and to migrate, when the server's certificate %s",
    async (_, replace, code) => {
      await replace();
      const served = await runGatehouse(given("app", full()));
      expect(served).toMatchObject({ code: 1, stdout: "" });
      const said = `is not trusted: its certificate is not accepted (${code})`;
      expect(served.stderr).toContain(said);
      const migrated = await runGatehouse(both(full()), ["migrate"]);
      expect(migrated).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(said) });
    },
  );

  it("NET-04 refuses what would encrypt for whoever answers, before it connects", async () => {
    for (const mode of ["require", "prefer", "verify-ca", "no-verify"]) {
      const ended = await runGatehouse(given("app", `sslmode=${mode}&sslrootcert=${caFile}`));
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended.stderr).toContain("use sslmode=verify-full");
    }
  });
});
