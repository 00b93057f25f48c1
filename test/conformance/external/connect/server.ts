// A server for the suite to test, as it starts them: reads on standard input what is wanted, serves, writes where it is.
// `node server.ts grpc|web DESCRIPTORS`
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type FileRegistry, fromBinary, fromJson, type Message, toBinary, toJson } from "@bufbuild/protobuf";
import { systemClock } from "../../../../src/kernel/clock.ts";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import { noMetrics } from "../../../../src/kernel/metrics.ts";
import { openGrpcDoor } from "../../../../src/rpc/grpc.ts";
import { jsonCodec } from "../../../../src/rpc/web/json.ts";
import { openWebDoor } from "../../../../src/rpc/web.ts";
import type { TransportSecurity } from "../../../../src/tls/ports.ts";
import { openTransportSecurity } from "../../../../src/tls/transport-security.ts";
import { createFakeChain } from "../../../fakes/chain.ts";
import { silentLogger } from "../../../fixtures/silent-logger.ts";
import { readContract } from "./contract.ts";
import { createScriptedChain, type MetadataOf, type Scripts } from "./scripted-chain.ts";
import { createSuiteService } from "./service.ts";
import { writeScripts } from "./wire.ts";

interface Wanted extends Message {
  readonly messageReceiveLimit: number;
  readonly useTls: boolean;
  readonly serverCreds?: { readonly cert: Uint8Array; readonly key: Uint8Array };
}

/** With the suite's own certificate, through files as an operator would give it. */
async function securityOf({ serverCreds }: Wanted): Promise<TransportSecurity | undefined> {
  if (serverCreds === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-suite-"));
  process.once("exit", () => rmSync(directory, { recursive: true }));
  const file = (setting: string, bytes: Uint8Array) => {
    const path = join(directory, setting);
    writeFileSync(path, bytes, { mode: 0o600 });
    return { setting, path };
  };
  return openTransportSecurity({
    settings: {
      certificate: file("certificate", serverCreds.cert),
      key: file("key", serverCreds.key),
      clientAuth: "off",
      clientAuthorities: undefined,
      revoked: undefined,
      minVersion: "TLSv1.2",
      trustDomain: undefined,
      reloadMs: 60_000,
    },
    clock: systemClock,
    logger: silentLogger,
    metrics: noMetrics,
  });
}

async function readInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
    const all = Buffer.concat(chunks);
    if (all.length >= 4 && all.length >= 4 + all.readUInt32BE(0)) return all.subarray(4, 4 + all.readUInt32BE(0));
  }
  throw new TypeError("standard input ended early");
}

function writeOutput(bytes: Uint8Array): void {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(bytes.byteLength);
  process.stdout.write(Buffer.concat([size, bytes]));
}

/** Connect's unary answers have their trailers among the headers, under this prefix; the doors know nothing of it. */
const metadataOf: MetadataOf = ({ incoming, trailers }, form) =>
  incoming.protocol === "connect" && form === "unary"
    ? Object.fromEntries(Object.entries(trailers).map(([name, value]) => [`trailer-${name}`, value]))
    : trailers;

/** No contract of ours holds an Any, so the web door's JSON needs no registry; the suite's contract is full of them. */
function teachJson(registry: FileRegistry): void {
  jsonCodec.request = ({ input }, body) => {
    try {
      return toBinary(input, fromJson(input, JSON.parse(new TextDecoder().decode(body)), { registry }));
    } catch (cause) {
      throw new GatehouseError("REQUEST_MALFORMED", { cause });
    }
  };
  jsonCodec.answer = ({ output }, bytes) =>
    Buffer.from(JSON.stringify(toJson(output, fromBinary(output, bytes), { registry })));
}

const doors = {
  grpc: openGrpcDoor,
  web: openWebDoor,
};

const [door = "", descriptors = ""] = process.argv.slice(2);
if (door !== "grpc" && door !== "web") throw new TypeError("no such door");
const input = await readInput();
const wanted = fromBinary(readContract(descriptors, 0).message("ServerCompatRequest"), input) as Wanted;
const contract = readContract(descriptors, wanted.messageReceiveLimit);
const { chain, table, logger } = createFakeChain({ clock: systemClock, more: [createSuiteService(contract)] });
const scripts: Scripts = new Map();
writeScripts(scripts);
teachJson(contract.types);
const { address } = await doors[door]({
  chain: createScriptedChain(chain, scripts, metadataOf),
  table,
  logger,
  clock: systemClock,
  listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
  health: () => [],
  security: await securityOf(wanted),
  cors: { origins: new Set<string>(), credentials: false },
  oauth: { issuer: "https://issuer.test", url: "http://127.0.0.1", certificates: false },
} as never);
const answer = contract.message("ServerCompatResponse");
const port = Number(address.slice(address.lastIndexOf(":") + 1));
writeOutput(
  toBinary(answer, create(answer, { host: "127.0.0.1", port, pemCert: wanted.serverCreds?.cert ?? new Uint8Array() })),
);
process.once("SIGTERM", () => process.exit());
