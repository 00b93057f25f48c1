// The reference of rows about calls: bare grpc-js, one unary method, answers of the size asked for.
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from "@grpc/grpc-js";
import { answerParent } from "../process.ts";

export const echoPath = "/bench.Echo/Echo";
const identity = (bytes: Buffer): Buffer => bytes;
let answer: Buffer = Buffer.alloc(0);
let port: number | undefined;

function listen(): Promise<number> {
  const server = new Server();
  const method = {
    path: echoPath,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  };
  server.addService(
    { echo: method },
    { echo: (_: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => callback(null, answer) },
  );
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
}

if (process.send !== undefined) {
  answerParent(async (question: { readonly answerBytes: number }) => {
    port ??= await listen();
    answer = Buffer.alloc(question.answerBytes, 1);
    return port;
  });
}
