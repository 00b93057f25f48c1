// The conformance suite of Connect (gRPC, gRPC-Web, Connect) against our doors, with its own reference clients in Go.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildDescriptors } from "./connect/contract.ts";
import { grpcExplanations, unexplained, webExplanations } from "./connect/explained.ts";
import { runSuite } from "./connect/run.ts";

const directory = mkdtempSync(join(tmpdir(), "gatehouse-conformance-"));
const descriptors = join(directory, "suite.binpb");
const longestMs = 300_000;
const nothing = { complaints: [], idle: [] };

beforeAll(() => buildDescriptors(descriptors), longestMs);
afterAll(() => rmSync(directory, { recursive: true }));

const grpcFeatures = `
features:
  versions: [HTTP_VERSION_2]
  protocols: [PROTOCOL_GRPC]
  codecs: [CODEC_PROTO]
  compressions: [COMPRESSION_IDENTITY, COMPRESSION_GZIP]
  supportsTls: false
include_cases:
  - { version: HTTP_VERSION_2, protocol: PROTOCOL_GRPC, codec: CODEC_PROTO, compression: COMPRESSION_IDENTITY, useTls: true }
`;

const webFeatures = `
features:
  versions: [HTTP_VERSION_1, HTTP_VERSION_2]
  protocols: [PROTOCOL_CONNECT, PROTOCOL_GRPC_WEB]
  codecs: [CODEC_PROTO, CODEC_JSON]
  compressions: [COMPRESSION_IDENTITY, COMPRESSION_GZIP]
  supportsTls: false
include_cases:
  - { version: HTTP_VERSION_1, protocol: PROTOCOL_CONNECT, codec: CODEC_PROTO, compression: COMPRESSION_IDENTITY, streamType: STREAM_TYPE_UNARY, useTls: true }
  - { version: HTTP_VERSION_2, protocol: PROTOCOL_GRPC_WEB, codec: CODEC_PROTO, compression: COMPRESSION_IDENTITY, useTls: true }
exclude_cases:
  - { codec: CODEC_JSON, compression: COMPRESSION_GZIP }
  - version: HTTP_VERSION_1
    streamType: STREAM_TYPE_CLIENT_STREAM
`;

describe("the suite of Connect", () => {
  it(
    "finds nothing on the gRPC door that is not explained",
    async () => {
      const report = await runSuite({ directory, features: grpcFeatures, words: ["grpc", descriptors] });
      expect(report.total, report.output).toBeGreaterThan(350);
      expect(unexplained(report.failures, grpcExplanations)).toEqual(nothing);
    },
    longestMs,
  );

  it(
    "finds nothing on the web door that is not explained",
    async () => {
      const report = await runSuite({ directory, features: webFeatures, words: ["web", descriptors] });
      expect(report.total, report.output).toBeGreaterThan(350);
      expect(unexplained(report.failures, webExplanations)).toEqual(nothing);
    },
    longestMs,
  );
});
