// What a real scrape says after real calls, what promtool says of it, and that alerts and dashboard ask for what is there.
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findGoTool } from "../../../tools/go-tools.ts";
import { certificateFiles, makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";
import { bootstrap, clientOf, type Installation, makeInstallation, visitorOf } from "../server/installation.ts";
import { namesIn, startWatched, sumOf, type Watched } from "./scrape.ts";

const run = promisify(execFile);
const deploy = fileURLToPath(new URL("../../../deploy/", import.meta.url));
const canary = "canary-0c55";

let installation: Installation;
let watched: Watched;
let scraped: string;
let underTls: string;

/** Resolves with how the call was refused. */
const refused = (call: Promise<unknown>) => expect(call).rejects.toThrow();

beforeAll(async () => {
  installation = await makeInstallation();
  watched = await startWatched(installation);
  const visitor = visitorOf(watched.server);
  const { tokens, ...account } = await bootstrap(installation.dataDir, visitor);
  const client = clientOf(watched.server, tokens.accessToken);
  await client.auth.whoAmI({});
  await client.tokens.introspect({ token: tokens.accessToken });
  await client.tokens.introspect({ token: `${tokens.accessToken.slice(0, -6)}AAAAAA` });
  await client.tokens.introspect({ token: canary });
  await refused(clientOf(watched.server, canary).auth.whoAmI({}));
  await refused(visitor.auth.login({ ...account, password: canary, deviceName: canary }));
  await client.secrets.putSecret({ path: `shop/${canary}`, value: Buffer.from(canary) });
  await refused(client.secrets.getSecret({ path: `none/${canary}` }));
  const first = tokens.refreshToken;
  const { tokens: second } = await visitor.tokens.refresh({ refreshToken: first });
  await visitor.tokens.refresh({ refreshToken: second?.refreshToken ?? "" });
  await refused(visitor.tokens.refresh({ refreshToken: first }));
  await refused(visitor.tokens.issueToken({ credential: { case: "apiKey", value: canary } }));
  scraped = await watched.scrape();
});
afterAll(async () => {
  await watched.server.stop();
  await installation[Symbol.asyncDispose]();
});

/** Where it is not installed it is built, once, which takes minutes. */
const buildMs = 900_000;
beforeAll(() => void findGoTool("promtool"), buildMs);
const promtool = () => findGoTool("promtool");

async function fed(text: string, ...words: string[]): Promise<string> {
  const checking = run(promtool(), words);
  checking.child.stdin?.end(text);
  const { stdout, stderr } = await checking;
  return stdout + stderr;
}

describe("J-08 a scrape", () => {
  it.each<[string, string, readonly string[], number]>([
    ["tokens made", "gatehouse_tokens_issued_total", ['outcome="ok"'], 4],
    ["sessions opened", "gatehouse_tokens_issued_total", ['grant="login"', 'outcome="ok"'], 1],
    ["tokens of refreshes", "gatehouse_tokens_issued_total", ['grant="refresh"', 'outcome="ok"'], 3],
    [
      "tokens that machines did not get",
      "gatehouse_token_grants_refused_total",
      ['grant="api_key"', 'reason="API_KEY_MALFORMED"'],
      1,
    ],
    ["refreshes", "gatehouse_tokens_refreshed_total", ['outcome="refreshed"'], 2],
    ["reuses", "gatehouse_tokens_refreshed_total", ['reason="REFRESH_TOKEN_REUSED"'], 1],
    ["signature failures", "gatehouse_token_signature_failures_total", [], 1],
    ["invalid tokens, introspected", "gatehouse_tokens_validated_total", ['by="introspect"', 'outcome="invalid"'], 2],
    ["valid tokens, introspected", "gatehouse_tokens_validated_total", ['by="introspect"', 'outcome="valid"'], 1],
    ["invalid tokens at the gate", "gatehouse_tokens_validated_total", ['by="gate"', 'outcome="invalid"'], 1],
    ["refusals by reason", "gatehouse_refusals_total", ['reason="CREDENTIAL_INVALID"'], 2],
    ["the key that signs", "gatehouse_signing_keys", ['algorithm="ES256"', 'state="active"'], 1],
    ["a service that serves", "gatehouse_dependency_up", ['dependency="postgres"'], 1],
  ])("counts %s", (_title, name, labels, count) => {
    expect(sumOf(scraped, name, labels)).toBe(count);
  });

  it.each([
    "gatehouse_token_creation_duration_seconds",
    "gatehouse_token_validation_duration_seconds",
    "gatehouse_token_refresh_duration_seconds",
    "gatehouse_password_hash_duration_seconds",
    "gatehouse_database_transaction_duration_seconds",
    "gatehouse_audit_record_duration_seconds",
  ])("tells how long things took: %s", (name) => {
    expect(sumOf(scraped, `${name}_count`)).toBeGreaterThan(0);
    expect(sumOf(scraped, `${name}_sum`)).toBeGreaterThan(0);
  });

  it("has each call under its method and code", () => {
    const method = (name: string) => [`rpc_method="gatehouse.${name}"`];
    const count = "rpc_server_call_duration_seconds_count";
    expect(sumOf(scraped, count, [...method("auth.v1.AuthService/WhoAmI"), 'rpc_response_status_code="OK"'])).toBe(1);
    expect(sumOf(scraped, count, [...method("token.v1.TokenService/Refresh"), '"UNAUTHENTICATED"'])).toBe(1);
  });

  it("SEC-05 T-09 holds nothing of what callers sent", () => {
    expect(scraped).not.toContain(canary);
  });

  it("passes promtool's lint", async () => {
    expect(
      await fed(scraped, "check", "metrics", "--lint=all", "--extended").catch((error) => error.stderr + error.stdout),
    ).not.toMatch(/^gatehouse_|^rpc_.*(should|no )/m);
  });
});

describe("J-09 the alerts", () => {
  it("are rules that Prometheus takes", async () => {
    await expect(run(promtool(), ["check", "rules", `${deploy}alerts.yml`])).resolves.toBeDefined();
  });

  it("fire when they should and keep quiet otherwise", async () => {
    const { stdout } = await run(promtool(), ["test", "rules", `${deploy}alerts.test.yml`]);
    expect(stdout).toContain("SUCCESS");
  });

  it("are all tested", async () => {
    const rules = await readFile(`${deploy}alerts.yml`, "utf8");
    const tests = await readFile(`${deploy}alerts.test.yml`, "utf8");
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? "");
    expect(alerts.length).toBeGreaterThan(20);
    expect(alerts.filter((name) => !tests.includes(name))).toEqual([]);
  });
});

/** What a server with certificates tells beside the rest. */
async function scrapeUnderTls(): Promise<string> {
  await using files = await certificateFiles();
  const leaf = await makeLeaf(await makeAuthority(), { ips: ["127.0.0.1"], uses: ["server"] });
  await using own = await makeInstallation({
    GATEHOUSE_TLS_CERT_FILE: await files.write("server.pem", leaf.pem),
    GATEHOUSE_TLS_KEY_FILE: await files.write("server.key", leaf.key),
  });
  const { server, scrape } = await startWatched(own);
  try {
    return await scrape();
  } finally {
    await server.stop();
  }
}

/** Names in queries; `up` and ALERTS are Prometheus' own. */
function asked(text: string): readonly string[] {
  const names = [...text.matchAll(/\b(?:gatehouse|rpc_server|process|nodejs)_[a-z0-9_]+/g)].map(([name]) => name);
  return [...new Set(names)];
}

/** Told by the home in Vault alone: test/integration/vault/served.test.ts looks for them. */
const withVault = ["gatehouse_vault_calls_total", "gatehouse_vault_batch_size_sum", "gatehouse_vault_batch_size_count"];

/** A counter or histogram whose first event has yet to come has a HELP line and no series. */
function known(): ReadonlySet<string> {
  const text = scraped + underTls;
  const described = [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name = "", type]) =>
    type === "histogram" ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  return new Set([...described, ...namesIn(text), ...withVault]);
}

describe("J-08 J-09 what people look at", () => {
  beforeAll(async () => {
    underTls = await scrapeUnderTls();
  });

  it("asks the alerts for nothing that a scrape does not have", async () => {
    const rules = await readFile(`${deploy}alerts.yml`, "utf8");
    const queries = rules.replace(/^\s*(description|summary):.*$/gm, "");
    expect(asked(queries).filter((name) => !known().has(name))).toEqual([]);
  });

  it("asks the dashboard for nothing that a scrape does not have, in queries that Prometheus can read", async () => {
    const dashboard = JSON.parse(await readFile(`${deploy}grafana/gatehouse.json`, "utf8"));
    const queries: string[] = dashboard.panels.flatMap((panel: { targets?: { expr: string }[] }) =>
      (panel.targets ?? []).map(({ expr }) => expr),
    );
    expect(queries.length).toBeGreaterThan(20);
    expect(asked(queries.join("\n")).filter((name) => !known().has(name))).toEqual([]);
    const plain = queries.map((query) => query.replaceAll("$__rate_interval", "5m"));
    const rules = plain.map((expr, index) => ({ record: `dashboard:query:${index}`, expr }));
    const file = `${installation.scratch}/dashboard.yml`;
    await writeFile(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    await expect(run(promtool(), ["check", "rules", file])).resolves.toBeDefined();
  });

  it("describes every metric in docs/observability.md", async () => {
    const page = await readFile(new URL("../../../docs/observability.md", import.meta.url), "utf8");
    const ours = [...(scraped + underTls).matchAll(/^# TYPE ((?:gatehouse|rpc)_\S+)/gm)].map(([, name]) => name ?? "");
    expect(ours.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
