// Runs one of PostgreSQL's programs to its end, as the right user, with nothing of our environment.
import { spawn } from "node:child_process";
import type { OsUser } from "./os-user.ts";

export interface Run {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly directory: string;
  readonly user: OsUser | undefined;
  readonly input?: string;
}

/** Our environment holds master keys and passwords, which /proc would show to whoever runs PostgreSQL. */
export const environment: Readonly<Record<string, string>> = { LC_ALL: "C", TZ: "UTC", PATH: "/usr/bin:/bin" };

export function identity(user: OsUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid };
}

/** Rejects with what the program wrote to its error output when it fails. */
export function run({ command, arguments: args, directory, user, input }: Run): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(command, args, {
    cwd: directory,
    env: environment,
    stdio: ["pipe", "ignore", "pipe"],
    // Not in our process group: Ctrl-C must not leave it half done while we still wait for it.
    detached: true,
    ...identity(user),
  });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(input ?? "");
  child.once("error", reject);
  child.once("close", (status, signal) => {
    if (status === 0) resolve();
    else reject(new Error(`${command} ended with ${status ?? signal}: ${output.slice(-2_000)}`));
  });
  return promise;
}
