// Two clients of gRPC that share no code, with the same retry policy: grpc-js, and the C core from Python.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { Client, credentials, status } from "@grpc/grpc-js";

/** Calls a method once with an empty request, retries as the policy says, and answers the name of the status. */
export type Caller = (address: string, path: string) => Promise<string>;

const policy = {
  maxAttempts: 4,
  initialBackoff: "0.001s",
  maxBackoff: "0.01s",
  backoffMultiplier: 2,
  retryableStatusCodes: ["UNAVAILABLE"],
};

const identity = (bytes: Buffer): Buffer => bytes;

const grpcJs: Caller = (address, path) => {
  const config = JSON.stringify({ methodConfig: [{ name: [{}], retryPolicy: policy }], loadBalancingConfig: [] });
  const client = new Client(address, credentials.createInsecure(), { "grpc.service_config": config });
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), { deadline: Date.now() + 20_000 }, (error) => {
      client.close();
      resolve(status[error?.code ?? status.OK] ?? "");
    });
  });
};

/** Debian's Python, for which python3-grpcio is made. */
const python = "/usr/bin/python3";

const cCore: Caller = (address, path) =>
  new Promise((resolve, reject) => {
    execFile(python, [join(import.meta.dirname, "retrying.py"), address, path], (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else reject(new Error(`${python} with python3-grpcio is needed: ${stderr}`, { cause: error }));
    });
  });

export const callers: readonly (readonly [string, Caller])[] = [
  ["grpc-js", grpcJs],
  ["gRPC's C core", cCore],
];
