// `gatehouse keys init --home vault`, the real command against a real Vault; and what its policy lets Gatehouse do.
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { policyText } from "../../../src/vault/policy.ts";
import { root } from "../../../tools/source/files.ts";
import { makeAuthority } from "../../fixtures/certificates.ts";
import { makeToken } from "../../fixtures/vault/admin.ts";
import { type Cluster, startCluster } from "../../fixtures/vault/cluster.ts";
import { patientWithVault } from "../../fixtures/vault/prepared.ts";
import { startDevVault, type TestVault, vaultStartMs } from "../../fixtures/vault/servers.ts";
import { runGatehouse } from "../server/gatehouse-process.ts";
import { failure, openClient, type TestClient, tokenLogin } from "./opened.ts";

let server: TestVault;
let cluster: Cluster;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-init-"));
  server = await startDevVault({ plugins: true });
  cluster = await startCluster();
}, vaultStartMs);
afterAll(async () => {
  await server?.stop();
  await cluster?.close();
  await rm(directory, { recursive: true, force: true });
});

function init(words: readonly string[] = [], other: Record<string, string> = {}) {
  const given = { VAULT_ADDR: server.address, VAULT_TOKEN: server.rootToken, ...patientWithVault, ...other };
  return runGatehouse(given, ["keys", "init", "--home", "vault", ...words]);
}

describe("keys init", () => {
  const file = () => join(directory, "secret-id");

  it("does what is missing, says what it did, and does nothing when it is run again", async () => {
    const words = ["--approle", "--secret-id-file", file()];
    const first = await init(words);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout.split("\n")).toEqual([
      "mounted the Transit engine at transit/",
      "keys of transit/ are no more made by using them (disable_upsert)",
      "wrote the policy gatehouse",
      "enabled AppRole at auth/approle/",
      "made the role gatehouse",
      `wrote a new secret id to ${file()}`,
      "settings:",
      "  GATEHOUSE_VAULT_AUTH=approle",
      expect.stringMatching(/^ {2}GATEHOUSE_VAULT_ROLE_ID=[0-9a-f-]{36}$/),
      `  GATEHOUSE_VAULT_SECRET_ID_FILE=${file()}`,
      "",
    ]);
    const secretId = await readFile(file(), "utf8");
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    const second = await init(words);
    expect(second.stdout).toContain("the policy gatehouse is in place");
    expect(second.stdout).not.toMatch(/^(wrote|made|mounted|enabled|replaced|set )/m);
    expect(await readFile(file(), "utf8")).toBe(secretId);
  });

  it("sets right what somebody changed", async () => {
    await server.admin("PUT", "sys/policies/acl/gatehouse", { policy: `path "*" { capabilities = ["sudo", "read"] }` });
    await server.admin("POST", "transit/config/keys", { disable_upsert: false });
    await server.admin("POST", "auth/approle/role/gatehouse", { token_policies: ["root-like"] });
    const { stdout } = await init(["--approle"]);
    expect(stdout).toContain("replaced the policy gatehouse, which differed");
    expect(stdout).toContain("are no more made by using them");
    expect(stdout).toContain("set the role gatehouse right, which differed");
    expect((await server.admin("GET", "sys/policies/acl/gatehouse")).data.policy).toBe(policyText("transit"));
    expect((await server.admin("GET", "auth/approle/role/gatehouse")).data.token_policies).toEqual(["gatehouse"]);
  });

  it("leaves a shared mount's keys and other policies alone", async () => {
    await server.admin("POST", "sys/mounts/shared/transit", { type: "transit" });
    await server.admin("POST", "shared/transit/keys/theirs", {});
    const { stdout } = await init([], { GATEHOUSE_VAULT_TRANSIT_MOUNT: "shared/transit" });
    expect(stdout).toContain("the Transit engine is mounted at shared/transit/");
    expect((await server.admin("GET", "shared/transit/keys/theirs")).data.name).toBe("theirs");
    expect((await server.admin("GET", "sys/policies/acl/gatehouse")).data.policy).toBe(policyText("shared/transit"));
    await init();
  });

  it("makes logins by which the real client can log in", async () => {
    const { data } = await server.admin("GET", "auth/approle/role/gatehouse/role-id");
    const secretIdFile = { setting: "GATEHOUSE_VAULT_SECRET_ID_FILE", path: file() };
    const login = { method: "approle", mount: "approle", roleId: String(data.role_id), secretIdFile } as const;
    const { vault } = await openClient(server.address, login);
    await vault.requireUsable();
    await vault.close();
  });

  it.each<[string, readonly string[], Record<string, string>, RegExp]>([
    [
      "a mount with another engine",
      [],
      { GATEHOUSE_VAULT_TRANSIT_MOUNT: "secret" },
      /secret\/ in Vault is mounted with another engine/,
    ],
    [
      "another login at that mount",
      ["--approle"],
      { GATEHOUSE_VAULT_AUTH_MOUNT: "token" },
      /auth\/token\/ in Vault is another login/,
    ],
    ["a token that is none", [], { VAULT_TOKEN: "hvs.none" }, /refuses the login/],
    ["no Vault", [], { VAULT_ADDR: "http://127.0.0.1:9" }, /cannot be reached \(ECONNREFUSED\)/],
    ["plaintext to elsewhere", [], { VAULT_ADDR: "http://192.0.2.1:8200" }, /reaches beyond loopback in plaintext/],
    [
      "a file that cannot be made",
      ["--approle", "--secret-id-file", "/dev/null/x"],
      {},
      /cannot write \/dev\/null\/x \(ENOTDIR\)/,
    ],
  ])("refuses %s in one sentence", async (_, words, other, sentence) => {
    const { code, stdout, stderr } = await init(words, other);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stderr).not.toContain(server.rootToken);
  });

  it("refuses an administrator who may not", async () => {
    const { code, stderr } = await init([], { VAULT_TOKEN: await makeToken(server.admin) });
    expect(code).toBe(1);
    expect(stderr).toMatch(/does not let this login do what Gatehouse needs/);
  });

  it("needs to be told who administers and which home", async () => {
    const none = await runGatehouse({ VAULT_ADDR: server.address }, ["keys", "init", "--home", "vault"]);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("VAULT_TOKEN is not set") });
    const local = await runGatehouse({}, ["keys", "init", "--home", "local"]);
    expect(local).toMatchObject({ code: 1, stderr: expect.stringContaining("--home is `vault`") });
  });
});

describe("keys init --kubernetes", () => {
  const words = (...more: string[]) => [
    "--kubernetes",
    "--namespace",
    "platform",
    "--kubernetes-host",
    cluster.host,
    "--kubernetes-ca-file",
    ca(),
    ...more,
  ];
  const role = () => server.admin("GET", "auth/kubernetes/role/gatehouse").then(({ data }) => data);
  const jwt = () => join(directory, "jwt");
  const ca = () => join(directory, "ca.pem");
  beforeAll(async () => writeFile(ca(), (await makeAuthority()).pem));

  function logIn(mount = "kubernetes", name = "gatehouse") {
    const jwtFile = { setting: "GATEHOUSE_VAULT_JWT_FILE", path: jwt() };
    return openClient(server.address, { method: "kubernetes", mount, role: name, jwtFile });
  }

  it("does what is missing, says what it did, and does nothing when it is run again", async () => {
    await init();
    const first = await init(words());
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout.split("\n").slice(3)).toEqual([
      "enabled Kubernetes at auth/kubernetes/",
      `told auth/kubernetes/ to ask the cluster at ${cluster.host}`,
      "made the role gatehouse",
      "settings:",
      "  GATEHOUSE_VAULT_AUTH=kubernetes",
      "  GATEHOUSE_VAULT_ROLE=gatehouse",
      "  GATEHOUSE_VAULT_JWT_FILE=<a projected token of gatehouse for the audience vault>",
      "",
    ]);
    const second = await init(words());
    expect(second.stdout).not.toMatch(/^(wrote|made|mounted|enabled|replaced|set |told)/m);
    expect((await init(["--kubernetes", "--namespace", "platform"])).stdout).toBe(second.stdout);
  });

  it("SEC-04 makes a role that lets in the named account of the named namespace, with a short token and one policy", async () => {
    expect(await role()).toMatchObject({
      bound_service_account_names: ["gatehouse"],
      bound_service_account_namespaces: ["platform"],
      audience: "vault",
      token_policies: ["gatehouse"],
      token_ttl: 3600,
      token_max_ttl: 86_400,
    });
  });

  it("makes logins by which the real client can log in, and a token for another audience cannot", async () => {
    await writeFile(jwt(), cluster.token(1));
    const good = await logIn();
    await good.vault.requireUsable();
    await good.vault.close();
    await writeFile(jwt(), cluster.token(2, "elsewhere"));
    const bad = await logIn();
    expect(await failure(bad.vault.read("transit/config/keys"))).toMatchObject({ refusal: "login-refused" });
    await bad.vault.close();
  });

  it("SEC-04 sets right what somebody widened", async () => {
    const widened = {
      bound_service_account_names: ["*"],
      bound_service_account_namespaces: ["platform"],
      bound_service_account_namespace_selector: JSON.stringify({ matchLabels: { team: "any" } }),
      token_policies: ["root-like"],
    };
    await server.admin("POST", "auth/kubernetes/role/gatehouse", widened);
    expect((await init(words())).stdout).toContain("set the role gatehouse right, which differed");
    expect(await role()).toMatchObject({
      bound_service_account_names: ["gatehouse"],
      bound_service_account_namespace_selector: "",
      audience: "vault",
      token_policies: ["gatehouse"],
    });
    expect((await init(words())).stdout).toContain("the role gatehouse is in place");
  });

  it("takes role, accounts, namespaces, audience and mount as told", async () => {
    const more = ["--role", "edge", "--service-account", "gatehouse", "edge", "--audience", "urn:edge"];
    const own = { GATEHOUSE_VAULT_AUTH_MOUNT: "team/k8s" };
    const { stdout } = await init([...words(...more), "--namespace", "one", "platform"], own);
    expect(stdout).toContain("  GATEHOUSE_VAULT_AUTH_MOUNT=team/k8s\n");
    const { data } = await server.admin("GET", "auth/team/k8s/role/edge");
    expect(data.bound_service_account_names).toEqual(["gatehouse", "edge"]);
    expect(data.bound_service_account_namespaces).toEqual(expect.arrayContaining(["one", "platform"]));
    expect(data.audience).toBe("urn:edge");
  });

  it.each<[string, readonly string[], RegExp]>([
    ["no namespace", ["--kubernetes"], /--kubernetes needs --namespace/],
    ["every namespace", ["--kubernetes", "--namespace", "*"], /--namespace takes names as Kubernetes has them/],
    ["every account", ["--kubernetes", "--namespace", "a", "--service-account", "*"], /--service-account takes names/],
    ["no audience", ["--kubernetes", "--namespace", "a", "--audience", ""], /--audience is what/],
    ["a role that is a path", ["--kubernetes", "--namespace", "a", "--role", "../x"], /--role is a name/],
    [
      "a cluster that is asked in plaintext",
      ["--kubernetes", "--namespace", "a", "--kubernetes-host", "http://192.0.2.1"],
      /--kubernetes-host is/,
    ],
    [
      "to turn a login to another cluster",
      ["--kubernetes", "--namespace", "a", "--kubernetes-host", "https://192.0.2.1"],
      /asks another cluster already: set GATEHOUSE_VAULT_AUTH_MOUNT/,
    ],
  ])("refuses %s in one sentence, and changes nothing", async (_, given, sentence) => {
    const before = await role();
    const { code, stdout, stderr } = await init(given);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(await role()).toEqual(before);
  });

  it("refuses a login that knows no cluster, until it is told of one", async () => {
    const other = { GATEHOUSE_VAULT_AUTH_MOUNT: "fresh" };
    const { code, stderr } = await init(["--kubernetes", "--namespace", "a"], other);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/auth\/fresh\/ in Vault knows no cluster yet: say --kubernetes-host/),
    ]);
    const bare = ["--kubernetes", "--namespace", "a", "--kubernetes-host", cluster.host];
    expect((await init(bare, other)).stderr).toMatch(
      /no authorities of its own for that cluster.*: say --kubernetes-ca-file/,
    );
    expect((await init([...bare, "--kubernetes-ca-file", jwt()], other)).stderr).toMatch(/holds no certificate/);
    expect((await init([...bare, "--kubernetes-ca-file", ca()], other)).code).toBe(0);
  });
});

describe("the policy", () => {
  let client: TestClient;
  const input = Buffer.from("text").toString("base64");

  beforeAll(async () => {
    await init();
    await server.admin("POST", "transit/keys/theirs", { type: "ecdsa-p256" });
    client = await openClient(server.address, tokenLogin(await makeToken(server.admin, { policies: ["gatehouse"] })));
    await client.vault.write("transit/keys/gatehouse-one", { type: "ecdsa-p256" });
    await client.vault.write("transit/keys/gatehouse-two", { type: "aes256-gcm96", derived: true });
  });
  afterAll(() => client.vault.close());

  it("is the file in deploy/vault", async () => {
    expect(await readFile(`${root}/deploy/vault/gatehouse.hcl`, "utf8")).toBe(policyText("transit"));
  });

  it("SEC-04 lets Gatehouse make, use, rotate and delete its own keys", async () => {
    const { vault } = client;
    const context = input;
    await vault.write("transit/sign/gatehouse-one/sha2-256", { input });
    const { ciphertext } = await vault.write("transit/encrypt/gatehouse-two", { plaintext: input, context });
    expect(await vault.write("transit/decrypt/gatehouse-two", { ciphertext, context })).toMatchObject({
      plaintext: input,
    });
    await vault.write("transit/keys/gatehouse-two/rotate", {});
    expect(await vault.read("transit/keys/gatehouse-two")).toMatchObject({ latest_version: 2, exportable: false });
    expect(await vault.read("transit/config/keys")).toEqual({ disable_upsert: true });
    await vault.write("transit/keys/gatehouse-three", { type: "ed25519" });
    await vault.write("transit/keys/gatehouse-three/config", { deletion_allowed: true });
    await vault.remove("transit/keys/gatehouse-three");
  });

  it.each<[string, () => Promise<unknown>]>([
    ["use the keys of others", () => client.vault.write("transit/sign/theirs", { input })],
    ["look at the keys of others", () => client.vault.read("transit/keys/theirs")],
    ["list keys", () => client.vault.list("transit/keys")],
    ["export a key", () => client.vault.read("transit/export/signing-key/gatehouse-one")],
    ["back a key up", () => client.vault.read("transit/backup/gatehouse-one")],
    ["import a key", () => client.vault.write("transit/keys/gatehouse-four/import", { ciphertext: input })],
    ["import a public key", () => client.vault.write("transit/keys/gatehouse-four/import", { public_key: "x" })],
    ["import a version", () => client.vault.write("transit/keys/gatehouse-one/import_version", { ciphertext: input })],
    ["restore a key", () => client.vault.write("transit/restore/gatehouse-five", { backup: input })],
    ["make a key that can leave", () => client.vault.write("transit/keys/gatehouse-six", { exportable: true })],
    ["let a key leave later", () => client.vault.write("transit/keys/gatehouse-one/config", { exportable: true })],
    [
      "let a key be copied",
      () => client.vault.write("transit/keys/gatehouse-one/config", { allow_plaintext_backup: true }),
    ],
    ["make a key by using it", () => client.vault.write("transit/encrypt/gatehouse-seven", { plaintext: input })],
    ["switch that on", () => client.vault.write("transit/config/keys", { disable_upsert: false })],
    ["read other secrets", () => client.vault.read("secret/data/x")],
    ["see what is mounted", () => client.vault.read("sys/mounts")],
    ["make tokens", () => client.vault.write("auth/token/create", {})],
    ["change its own policy", () => client.vault.write("sys/policies/acl/gatehouse", { policy: "" })],
    ["seal Vault", () => client.vault.write("sys/seal", {})],
  ])("SEC-04 does not let Gatehouse %s", async (_, work) => {
    expect(await failure(work())).toMatchObject({ name: "VaultRefused", status: 403 });
  });
});
