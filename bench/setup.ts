// What must exist before rows can run: an administrator, sessions, tokens, secrets. Made by ordinary calls.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Client, credentials, Metadata } from "@grpc/grpc-js";

export const loginName = "bench";
export const password = "a lighthouse keeper counts to nine";
export const secretPaths: readonly string[] = Array.from({ length: 1000 }, (_, index) => `bench/item-${index}`);

export interface Caller {
  call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    token?: string,
  ): Promise<MessageShape<O>>;
  close(): void;
}

export function createCaller(port: number): Caller {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call: (method, request, token) => {
      const metadata = new Metadata();
      if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
      const bytes = Buffer.from(toBinary(method.input, create(method.input, request)));
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          `/${method.parent.typeName}/${method.name}`,
          (buffer: Buffer) => buffer,
          (buffer: Buffer) => buffer,
          bytes,
          metadata,
          (error, answer) =>
            answer === undefined ? reject(error ?? new Error("no answer")) : resolve(fromBinary(method.output, answer)),
        );
      });
    },
    close: () => client.close(),
  };
}

export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string;
}

export async function bootstrap(caller: Caller, dataDir: string): Promise<Tokens> {
  const bootstrapToken = readFileSync(join(dataDir, "bootstrap-token"), "utf8").trim();
  const { tokens } = await caller.call(AuthService.method.bootstrap, { bootstrapToken, loginName, password });
  return tokens ?? { accessToken: "", refreshToken: "" };
}

async function login(caller: Caller): Promise<Tokens> {
  const { outcome } = await caller.call(AuthService.method.login, { loginName, password });
  return outcome.value ?? { accessToken: "", refreshToken: "" };
}

/** Sessions of their own, a few at a time: each login is a second of hashing. */
export async function openSessions(caller: Caller, count: number): Promise<Tokens[]> {
  const sessions: Tokens[] = [];
  const logInOn = async (): Promise<void> => {
    for (let begun = sessions.length; begun < count; begun = sessions.length) sessions.push(await login(caller));
  };
  await Promise.all(Array.from({ length: 4 }, logInOn));
  return sessions.slice(0, count);
}

/** One more access token of the session, and the refresh token after it. */
async function refresh(caller: Caller, refreshToken: string): Promise<Tokens> {
  const { tokens } = await caller.call(TokenService.method.refresh, { refreshToken });
  return tokens ?? { accessToken: "", refreshToken: "" };
}

export interface TokenMill {
  /** New access tokens, gained by refreshing the mill's sessions side by side. */
  take(count: number): Promise<string[]>;
}

export function createTokenMill(caller: Caller, sessions: readonly Tokens[]): TokenMill {
  const current = sessions.map(({ refreshToken }) => refreshToken);
  return {
    async take(count) {
      const tokens: string[] = [];
      const refreshOn = async (_: string, slot: number): Promise<void> => {
        while (tokens.length < count) {
          const next = await refresh(caller, current[slot] ?? "");
          current[slot] = next.refreshToken;
          tokens.push(next.accessToken);
        }
      };
      await Promise.all(current.map(refreshOn));
      return tokens.slice(0, count);
    },
  };
}

export async function putSecrets(caller: Caller, token: string, paths: readonly string[]): Promise<void> {
  const value = Buffer.alloc(128, 7);
  const rest = [...paths];
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let path = rest.pop(); path !== undefined; path = rest.pop())
        await caller.call(SecretsService.method.putSecret, { path, value }, token);
    }),
  );
}
