// Where Gatehouse listens.
import * as is from "../kinds.ts";
import { setting } from "../setting.ts";

export const listening = {
  grpcListen: setting({
    env: "GATEHOUSE_GRPC_LISTEN",
    kind: is.listen,
    default: "127.0.0.1:50051",
    doc: "Where gRPC is served. Port 0 takes a free port.",
  }),
  insecurePlaintext: setting({
    env: "GATEHOUSE_INSECURE_PLAINTEXT",
    kind: is.boolean,
    default: "false",
    doc: "Serve without TLS on an address that other machines reach, and reach Redis or a collector so. Credentials then cross the network in clear.",
  }),
} as const;
