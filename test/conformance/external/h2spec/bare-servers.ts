// What our doors are measured against: the same libraries with nothing of ours, on the same Node in the same process.
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";

export interface BareServer {
  readonly port: number;
  stop(): void;
}

const identity = (bytes: Buffer): Buffer => bytes;

/** grpc-js with one method that echoes; h2spec tries to exceed the streams that a server allows, where it names a number. */
export async function startBareGrpc(path: string, streams: number): Promise<BareServer> {
  const server = new Server({ "grpc.max_concurrent_streams": streams });
  const echo = {
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  server.addService(
    { echo },
    {
      echo: (call: { request: Buffer }, callback: (error: null, answer: Buffer) => void) =>
        callback(null, call.request),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { port, stop: () => server.forceShutdown() };
}

/** node:http2 that answers everything. */
export async function startBareHttp2(streams: number): Promise<BareServer> {
  const server = createServer(
    { settings: { maxConcurrentStreams: streams } },
    (_request, response) => void response.end("here"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() };
}
