// What a Postgres URL may say of TLS, and what it may not.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../../src/kernel/secret.ts";
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import { type ConnectionSettings, clientConfig, parseConnectionUrl } from "../../../src/postgres/connection.ts";
import { makeAuthority } from "../../fixtures/certificates.ts";

const setting = "GATEHOUSE_DATABASE_URL";
const parse = (rest: string, caFile?: string): ConnectionSettings =>
  parseConnectionUrl(setting, new Secret(`postgres://app:hunter2@${rest}`), caFile);

function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof StartRefused) return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

let directory: string;
let ca: string;
let pem: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "gatehouse-pg-"));
  ca = join(directory, "ca.pem");
  pem = (await makeAuthority()).pem;
  writeFileSync(ca, pem);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe("a database URL", () => {
  it.each([
    ["/gatehouse?host=/run/postgresql", "/run/postgresql"],
    ["localhost/gatehouse", "localhost"],
    ["127.0.0.1:6432/gatehouse?sslmode=disable", "127.0.0.1"],
    ["[::1]:5432/gatehouse", "::1"],
  ])("is plain for a server on this machine: %s", (rest, host) => {
    expect(parse(rest)).toMatchObject({ host, tls: false, database: "gatehouse", user: "app" });
    expect(clientConfig(parse(rest)).ssl).toBe(false);
  });

  it.each([
    "db.internal/gatehouse",
    "db.internal:6432/gatehouse?sslmode=verify-full",
    "10.0.0.1/gatehouse?sslmode=verify-full&application_name=x",
    "localhost/gatehouse?sslmode=verify-full&sslrootcert=system",
    "/gatehouse?host=db.internal",
  ])("NET-04 is verified in full, host name included: %s", (rest) => {
    const { tls, host } = parse(rest);
    if (tls === false || tls === undefined) throw new Error("in plaintext");
    expect(tls).toMatchObject({ rejectUnauthorized: true, minVersion: "TLSv1.2" });
    const names = { subject: { CN: host }, subjectaltname: `DNS:${host}, IP Address:${host}` } as never;
    const others = { subject: { CN: "localhost" }, subjectaltname: "DNS:localhost" } as never;
    expect(tls.checkServerIdentity?.("whatever", names)).toBeUndefined();
    if (host !== "localhost") expect(tls.checkServerIdentity?.("localhost", others)).toBeInstanceOf(Error);
  });

  it("NET-04 takes the authorities from the URL or from the setting", () => {
    for (const settings of [parse(`db/g?sslrootcert=${ca}`), parse("db/g", ca), parse("localhost/g", ca)])
      expect(settings.tls).toMatchObject({ ca: pem.trim() });
  });

  it.each(["require", "prefer", "allow", "verify-ca", "no-verify", "VERIFY-FULL", ""])(
    "NET-04 refuses sslmode=%s, near or far",
    (mode) => {
      for (const host of ["db.internal", "localhost"])
        expect(refusalOf(() => parse(`${host}/g?sslmode=${mode}`))).toMatch(/use sslmode=verify-full$/);
    },
  );

  it.each([
    ["db.internal/g?sslmode=disable", "for a server on another machine"],
    ["127.0.0.1.evil.example/g?sslmode=disable", "for a server on another machine"],
    ["/g?host=/run/postgresql&sslmode=verify-full", "names a Unix socket, which speaks no TLS"],
    ["localhost/g?sslmode=disable&sslrootcert=/x", "although an authority is given"],
    ["db/g?ssl=false", "a parameter about TLS other than"],
    ["db/g?sslcert=/x&sslkey=/y", "a parameter about TLS other than"],
    ["db/g?uselibpqcompat=true&sslmode=verify-full", "a parameter about TLS other than"],
    ["db/g?SSLMODE=disable", "a parameter about TLS other than"],
    ["db/g?sslmode=verify-full&sslmode=disable", "the same parameter twice"],
    ["localhost/g?host=db.internal&host=localhost", "the same parameter twice"],
    [
      "db/g?sslrootcert=/nonexistent/ca.pem",
      "/nonexistent/ca.pem of sslrootcert of GATEHOUSE_DATABASE_URL cannot be read",
    ],
  ])("NET-04 refuses %s", (rest, said) => {
    const message = refusalOf(() => parse(rest));
    expect(message).toContain(said);
    expect(message).not.toContain("hunter2");
  });

  it("NET-04 refuses two places for the authorities, and a file that holds none", () => {
    expect(refusalOf(() => parse(`db/g?sslrootcert=${ca}`, ca))).toContain("GATEHOUSE_DATABASE_CA_FILE is given");
    const empty = join(directory, "empty.pem");
    writeFileSync(empty, "hunter2");
    expect(refusalOf(() => parse("db/g", empty))).toBe(
      `${empty} of GATEHOUSE_DATABASE_CA_FILE holds no certificate in PEM`,
    );
  });

  it("NET-04 is not weakened by the environment of the process", () => {
    const before = process.env.PGSSLMODE;
    process.env.PGSSLMODE = "no-verify";
    try {
      expect(clientConfig(parse("db.internal/g")).ssl).toMatchObject({ rejectUnauthorized: true });
      expect(clientConfig({ ...parse("localhost/g"), tls: undefined } as never).ssl).toBe(false);
    } finally {
      if (before === undefined) delete process.env.PGSSLMODE;
      else process.env.PGSSLMODE = before;
    }
  });
});
