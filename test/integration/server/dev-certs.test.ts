// `gatehouse dev-certs` as its own output says to use it: a server with what it made, and a client that is known by it.
import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { createGatehouse } from "../../../clients/typescript/src/index.ts";
import { runGatehouse } from "./gatehouse-process.ts";
import { bootstrap, makeInstallation, patient, quickHashing } from "./installation.ts";

describe("gatehouse dev-certs", () => {
  it("makes what its own words start a server with, and a client that calls with its certificate alone", async () => {
    await using installation = await makeInstallation(quickHashing);
    const out = join(installation.scratch, "certs");
    const words = ["dev-certs", "--out", out, "--host", "gate.internal", "10.1.2.3"];
    const made = await runGatehouse(installation.environment, words);
    expect(made).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining("for trying only") });
    const settings = Object.fromEntries(
      [...made.stdout.matchAll(/^ {2}(GATEHOUSE_\w+)=(.+)$/gm)].map(([, name = "", value = ""]) => [name, value]),
    );
    expect(Object.keys(settings)).toHaveLength(4);
    expect(((await stat(join(out, "server.key"))).mode & 0o777).toString(8)).toBe("600");

    const server = await installation.start(settings);
    const ca = await readFile(join(out, "ca.pem"), "utf8");
    const visitor = createGatehouse({ address: server.address, tls: { ca }, ...patient });
    const { tokens } = await bootstrap(installation.dataDir, visitor);
    visitor.close();
    const admin = createGatehouse({
      address: server.address,
      tls: { ca },
      credentials: tokens.accessToken,
      ...patient,
    });
    const { serviceAccount } = await admin.serviceAccounts.createServiceAccount({ displayName: "try" });
    const { principalId = "" } = serviceAccount ?? {};
    const [, value = ""] = /CreateWorkloadBinding: (\S+)/.exec(made.stdout) ?? [];
    await admin.serviceAccounts.createWorkloadBinding({ principalId, workload: { case: "spiffeId", value } });
    admin.close();
    const [cert, key] = await Promise.all(
      ["client.pem", "client.key"].map((name) => readFile(join(out, name), "utf8")),
    );
    const client = createGatehouse({
      address: server.address,
      tls: { ca, cert: cert ?? "", key: key ?? "" },
      ...patient,
    });
    const known = () => client.auth.whoAmI({}).then((answer) => answer.principalId, String);
    await expect.poll(known, { timeout: 20_000 }).toBe(principalId);
    client.close();

    const [, curl = ""] = /^ {2}curl (.+) https:/m.exec(made.stdout) ?? [];
    const { stdout } = await promisify(execFile)("curl", ["-sS", ...curl.split(" "), `${server.webAddress}/healthz`]);
    expect(stdout).not.toBe("");
  });

  it("overwrites nothing, and takes no name that is none", async () => {
    await using installation = await makeInstallation();
    const out = join(installation.scratch, "certs");
    expect(await runGatehouse(installation.environment, ["dev-certs", "--out", out])).toMatchObject({ code: 0 });
    const before = await readFile(join(out, "server.key"), "utf8");
    const again = await runGatehouse(installation.environment, ["dev-certs", "--out", out]);
    expect(again).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("is there already") });
    expect(await readFile(join(out, "server.key"), "utf8")).toBe(before);
    const wrong = ["dev-certs", "--out", `${out}2`, "--host", "not a name"];
    expect(await runGatehouse(installation.environment, wrong)).toMatchObject({ code: 1, stdout: "" });
  });
});
