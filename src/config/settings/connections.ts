// What a connection may ask for before anybody knows who it is.
import * as is from "../kinds.ts";
import { optional, setting } from "../setting.ts";

export const connections = {
  maxConnections: setting({
    env: "GATEHOUSE_MAX_CONNECTIONS",
    kind: is.integer({ min: 1, max: 100_000 }),
    default: "2000",
    doc: "Connections at once, over all doors. Further ones are hung up on.",
  }),
  maxConnectionsPerAddress: setting({
    env: "GATEHOUSE_MAX_CONNECTIONS_PER_ADDRESS",
    kind: is.integer({ min: 1, max: 100_000 }),
    default: "256",
    doc: "Connections at once from one IPv4 address or IPv6 /64. Raise it to GATEHOUSE_MAX_CONNECTIONS behind a balancer that hides addresses.",
  }),
  maxStreams: setting({
    env: "GATEHOUSE_MAX_STREAMS",
    kind: is.integer({ min: 1, max: 10_000 }),
    default: "100",
    doc: "Calls at once on one gRPC connection. Cancelled calls count until their work has ended.",
  }),
  maxMetadataBytes: setting({
    env: "GATEHOUSE_MAX_METADATA_BYTES",
    kind: is.bytes("1KiB", "32KiB"),
    default: "8KiB",
    doc: "Metadata of one call: names, values, and 32 bytes a field.",
  }),
  handshakeMs: setting({
    env: "GATEHOUSE_CONNECTION_HANDSHAKE",
    kind: is.duration("100ms", "2m"),
    default: "10s",
    doc: "Time for the TLS handshake, and then for the beginning of HTTP/2.",
  }),
  firstCallMs: setting({
    env: "GATEHOUSE_CONNECTION_FIRST_CALL",
    kind: is.duration("100ms", "1h"),
    default: "60s",
    doc: "Time until a gRPC connection makes its first call.",
  }),
  connectionIdleMs: setting({
    env: "GATEHOUSE_CONNECTION_IDLE",
    kind: is.duration("100ms", "24h"),
    default: "15m",
    doc: "A gRPC connection without calls is closed after this.",
  }),
  connectionAgeMs: setting({
    env: "GATEHOUSE_CONNECTION_AGE",
    kind: is.duration("1s", "24h"),
    default: "30m",
    doc: "A gRPC connection is told to go after this, give or take a tenth, so that balancers spread callers anew.",
  }),
  requestMs: setting({
    env: "GATEHOUSE_REQUEST_TIMEOUT",
    kind: is.duration("100ms", "10m"),
    default: "10s",
    doc: "Time for a request to come in whole. A caller's own deadline, when earlier, ends it before.",
  }),
  answerMs: setting({
    env: "GATEHOUSE_ANSWER_TIMEOUT",
    kind: is.duration("100ms", "10m"),
    default: "30s",
    doc: "Time for a caller to take an answer, and each answer of a stream.",
  }),
  socketMode: setting({
    env: "GATEHOUSE_SOCKET_MODE",
    kind: is.socketMode,
    default: "0600",
    doc: "Permissions of a Unix socket. Nobody is ever let in before they are set.",
  }),
  socketGroup: optional({
    env: "GATEHOUSE_SOCKET_GROUP",
    kind: is.name,
    doc: "Group of a Unix socket, by name or number. Needs a GATEHOUSE_SOCKET_MODE that lets a group in.",
  }),
} as const;
