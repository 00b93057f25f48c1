// Settings of transport security that do not go together.
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Environment, readSettings } from "../../../src/config/load.ts";

const certificate = { GATEHOUSE_TLS_CERT_FILE: "/c.pem", GATEHOUSE_TLS_KEY_FILE: "/k.pem" };
const clients = { ...certificate, GATEHOUSE_TLS_CLIENT_AUTH: "required", GATEHOUSE_TLS_CLIENT_CA_FILE: "/ca.pem" };
const far = {
  GATEHOUSE_GRPC_LISTEN: "0.0.0.0:50051",
  GATEHOUSE_WEB_LISTEN: "off",
  GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
};

function problemsOf(env: Environment): readonly string[] {
  const reading = readSettings({
    env,
    readFile: () => {
      throw new Error("no such file");
    },
  });
  return "problems" in reading ? reading.problems : [];
}

describe("settings of transport security", () => {
  it.each([
    ["a certificate with its key", certificate],
    ["clients with certificates", clients],
    [
      "everything",
      {
        ...clients,
        GATEHOUSE_TLS_CRL_FILE: "/crl.pem",
        GATEHOUSE_SPIFFE_TRUST_DOMAIN: "prod.example",
      },
    ],
    ["TLS beyond loopback", { ...certificate, ...far }],
  ])("NET-02 go together: %s", (_, env) => {
    expect(problemsOf(env)).toEqual([]);
  });

  it.each([
    ["a certificate without key", { GATEHOUSE_TLS_CERT_FILE: "/c.pem" }, "go together"],
    ["a key without certificate", { GATEHOUSE_TLS_KEY_FILE: "/k.pem" }, "go together"],
    [
      "client certificates without TLS",
      { ...clients, GATEHOUSE_TLS_CERT_FILE: undefined, GATEHOUSE_TLS_KEY_FILE: undefined },
      "needs GATEHOUSE_TLS_CERT_FILE",
    ],
    [
      "client certificates without authorities",
      { ...certificate, GATEHOUSE_TLS_CLIENT_AUTH: "optional" },
      "needs GATEHOUSE_TLS_CLIENT_CA_FILE",
    ],
    [
      "authorities that nobody is asked about",
      { ...certificate, GATEHOUSE_TLS_CLIENT_CA_FILE: "/ca.pem" },
      "GATEHOUSE_TLS_CLIENT_AUTH is off",
    ],
    [
      "revoked certificates that nobody shows",
      { ...certificate, GATEHOUSE_TLS_CRL_FILE: "/crl.pem" },
      "GATEHOUSE_TLS_CLIENT_AUTH is off",
    ],
    ["a certificate and plaintext", { ...certificate, GATEHOUSE_INSECURE_PLAINTEXT: "true" }, "are both set"],
    ["plaintext beyond loopback", far, "reaches beyond loopback in plaintext: give GATEHOUSE_TLS_CERT_FILE"],
    [
      "a trust domain that is none",
      { ...clients, GATEHOUSE_SPIFFE_TRUST_DOMAIN: "Prod Example" },
      "expected SPIFFE trust domain",
    ],
    [
      "an authority for no database",
      { GATEHOUSE_DATABASE_CA_FILE: "/ca.pem" },
      "GATEHOUSE_DATABASE_CA_FILE is given without GATEHOUSE_DATABASE_URL",
    ],
  ])("NET-02 NET-03 refuse %s", (_, env, said) => {
    expect(problemsOf(env)).toEqual([expect.stringContaining(said)]);
  });
});
