// testssl.sh against both doors of the real command with TLS: protocols, ciphers, forward secrecy, renegotiation and the
// known vulnerabilities.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CertificateFiles, certificateFiles, makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";
import type { GatehouseProcess } from "../../integration/server/gatehouse-process.ts";
import { type Installation, makeInstallation } from "../../integration/server/installation.ts";
import { type Finding, runTestssl } from "./testssl/run.ts";

const longestMs = 240_000;

/** What may be found, with its reason. */
const explained = {
  RC4: "Debian's own openssl has no RC4 to test with; the kinds of ciphers that are offered show that there is none",
} as const;

const explainedOn = {
  gRPC: {
    ...explained,
    secure_client_renego:
      "a client without HTTP/2 is parted from, which on a busy machine it reads as consent; test/integration/tls/handshakes.test.ts is refused",
  },
  web: explained,
} as const;

let installation: Installation;
let files: CertificateFiles;
let authority: string;
let server: GatehouseProcess;

beforeAll(async () => {
  files = await certificateFiles();
  const issuer = await makeAuthority();
  const leaf = await makeLeaf(issuer, { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] });
  authority = await files.write("ca.pem", issuer.pem);
  installation = await makeInstallation({
    GATEHOUSE_TLS_CERT_FILE: await files.write("server.pem", leaf.pem),
    GATEHOUSE_TLS_KEY_FILE: await files.write("server.key", leaf.key),
  });
  server = await installation.start();
}, 60_000);

afterAll(async () => {
  await installation?.[Symbol.asyncDispose]();
  await files?.[Symbol.asyncDispose]();
});

const worrying = (findings: readonly Finding[], door: keyof typeof explainedOn) =>
  findings.filter(({ id, severity }) => !/^(OK|INFO|LOW)$/.test(severity) && !Object.hasOwn(explainedOn[door], id));

const tested = ["TLS1_2", "TLS1_3", "cipherlist_NULL", "PFS", "heartbleed", "secure_renego", "ROBOT", "LUCKY13"];

describe("testssl.sh", () => {
  it.concurrent.each(["gRPC", "web"] as const)(
    "NET-01 finds nothing on the %s door that is not explained",
    async (door) => {
      const address = door === "gRPC" ? server.address : server.webAddress.replace("https://", "");
      const findings = await runTestssl(address, authority);
      expect(findings.map(({ id }) => id)).toEqual(expect.arrayContaining(tested));
      expect(worrying(findings, door)).toEqual([]);
    },
    longestMs,
  );
});
