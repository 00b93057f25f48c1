// Who administers the server for the demo: whoever the caller names; the administrator that an earlier demo made here;
// or, on a new server, one made now with the bootstrap token.
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "@gatehouse/proto/health/v1/health_pb.js";
import {
  type CredentialFactory,
  type Gatehouse,
  isReason,
  passwordLogin,
  tokensOf,
} from "../../clients/typescript/src/index.ts";
import { expect, type Told } from "./narrator.ts";

interface Person {
  readonly loginName: string;
  readonly password: string;
}

type Given = { readonly [K in keyof Person]: string | undefined };

async function greet(visitor: Gatehouse): Promise<Told<undefined>> {
  const { status } = await visitor.client(Health).check({});
  expect(status === Serving.SERVING, `health says ${Serving[status]}`);
  return { seen: "health says SERVING", value: undefined };
}

/** Logs in now, so that the demo begins with what it has; undefined when the password is not accepted. */
async function logIn(visitor: Gatehouse, person: Person): Promise<CredentialFactory | undefined> {
  try {
    const { outcome } = await visitor.auth.login({ ...person, deviceName: "demo" });
    expect(outcome.case === "tokens", "the login asks for more than a password");
    return passwordLogin({ ...person, deviceName: "demo", tokens: tokensOf(outcome.value) });
  } catch (error) {
    if (isReason(error, "LOGIN_FAILED")) return undefined;
    throw error;
  }
}

/** The password is on disk before it is in force: an administrator that nobody can be would be worse than a stale file. */
async function bootstrap(visitor: Gatehouse, tokenFile: string, keptIn: string): Promise<CredentialFactory> {
  const person = {
    loginName: `demo-administrator-${randomBytes(4).toString("hex")}`,
    password: randomBytes(24).toString("base64url"),
  };
  rmSync(keptIn, { force: true });
  writeFileSync(keptIn, JSON.stringify(person), { mode: 0o600, flag: "wx" });
  try {
    const bootstrapToken = readFileSync(tokenFile, "utf8").trim();
    const { tokens } = await visitor.auth.bootstrap({ ...person, bootstrapToken, deviceName: "demo" });
    expect(tokens !== undefined, "the answer of Bootstrap holds no tokens");
    return passwordLogin({ ...person, deviceName: "demo", tokens: tokensOf(tokens) });
  } catch (error) {
    if (!isReason(error, "OUTCOME_UNKNOWN", "UNREACHABLE", "DEADLINE_EXCEEDED")) rmSync(keptIn, { force: true });
    throw error;
  }
}

async function find(visitor: Gatehouse, dataDir: string, given: Given): Promise<Told<CredentialFactory>> {
  const { loginName, password } = given;
  if (loginName !== undefined && password !== undefined) {
    const value = await logIn(visitor, { loginName, password });
    expect(value !== undefined, "GATEHOUSE_DEMO_LOGIN and GATEHOUSE_DEMO_PASSWORD are not accepted");
    return { seen: "logged in as GATEHOUSE_DEMO_LOGIN", value };
  }
  const keptIn = join(dataDir, "demo-administrator.json");
  const kept = existsSync(keptIn) ? (JSON.parse(readFileSync(keptIn, "utf8")) as Person) : undefined;
  const again = kept && (await logIn(visitor, kept));
  if (again !== undefined) return { seen: "logged in as the one that an earlier demo made", value: again };
  const tokenFile = join(dataDir, "bootstrap-token");
  expect(
    existsSync(tokenFile),
    `${tokenFile} is not there; name the server's --data-dir, or an administrator in GATEHOUSE_DEMO_LOGIN and GATEHOUSE_DEMO_PASSWORD`,
  );
  const value = await bootstrap(visitor, tokenFile, keptIn);
  return { seen: `Bootstrap made one, whose password is kept in ${keptIn}`, value };
}

export const administratorOf = { greet, find };
