// Who in src may open a connection to elsewhere: the database's driver, and nobody else.
import { dottedName, nodeAt, walk } from "../../tools/source/syntax.ts";
import type { SourceFile } from "./source.ts";

/** Modules with which one reaches another machine; `node:net` has harmless functions, too, so its users are listed. */
const clients = /^(node:)?(http|https|http2|tls|dgram|dns|dns\/promises|undici)$/;
const sockets = /^(node:)?net$/;

// Two ask what an address is; the door asks whether anybody listens on a Unix socket of its own.
const socketUsers = new Set([
  "src/config/kinds.ts",
  "src/rpc/address.ts",
  "src/audit/record/indexes.ts",
  "src/rpc/grpc.ts",
]);
const reaching = new Set(["fetch", "globalThis.fetch", "WebSocket", "globalThis.WebSocket", "EventSource"]);

export function outboundFaults({ path, tree, imports }: SourceFile): readonly string[] {
  const imported = imports
    .filter(({ specifier, typeOnly }) => !typeOnly && (clients.test(specifier) || sockets.test(specifier)))
    .filter(({ specifier }) => !(sockets.test(specifier) && socketUsers.has(path)))
    .map(({ specifier }) => `${path} imports ${specifier}`);
  const called = [...walk(tree)].flatMap((node) => {
    const name = ["CallExpression", "NewExpression"].includes(node.type)
      ? dottedName(nodeAt(node, "callee"))
      : undefined;
    return name !== undefined && reaching.has(name) ? [`${path} calls ${name}`] : [];
  });
  return [...imported, ...called];
}
