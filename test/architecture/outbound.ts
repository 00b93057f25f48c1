// Who in src may open a connection to elsewhere: the drivers of the database and of Redis, the client of Vault, and nobody else.
import { dottedName, nodeAt, nodesAt, type SyntaxNode, walk } from "../../tools/source/syntax.ts";
import type { SourceFile } from "./source.ts";

/** Modules with which one reaches another machine, and also listens, or asks what an address is. */
const network = /^(node:)?(net|http|https|http2|tls|dgram|dns|dns\/promises|undici)$/;

/** What of them opens no connection. Whatever else is imported from them, and whole modules, is a fault. */
const harmless = new Set([
  ...["isIP", "isIPv4", "isIPv6", "BlockList", "SocketAddress", "constants"],
  ...["createServer", "createSecureServer", "Http2ServerRequest", "Http2ServerResponse"],
  ...["ServerResponse", "IncomingMessage", "STATUS_CODES"],
  ...["createSecureContext", "checkServerIdentity"],
]);

/** Asks whether anybody listens on a Unix socket of its own. */
const socketUsers = new Set(["src/rpc/connections/socket-file.ts"]);

/** Speaks to the one origin of VAULT_ADDR, whatever path it is given, and follows nothing elsewhere. */
const vaultTransport = "src/vault/transport.ts";
/** Asks a cluster for its keys where the operator's file says, over a verified connection, and follows nothing elsewhere. */
const clusterKeys = "src/kubernetes/fetch-keys.ts";
const reaching = new Set(["fetch", "globalThis.fetch", "WebSocket", "globalThis.WebSocket", "EventSource"]);

/** Names that are imported at run time; `*` = the module as a whole. */
function importedNames(declaration: SyntaxNode): readonly string[] {
  return nodesAt(declaration, "specifiers").flatMap((specifier) => {
    if (specifier.type !== "ImportSpecifier") return "*";
    return specifier.importKind === "type" ? [] : (dottedName(nodeAt(specifier, "imported")) ?? "*");
  });
}

const importing = new Set(["ImportDeclaration", "ImportExpression", "ExportNamedDeclaration", "ExportAllDeclaration"]);

function importFaults(path: string, tree: SyntaxNode): readonly string[] {
  return [...walk(tree)]
    .filter((node) => importing.has(node.type) && node.importKind !== "type" && node.exportKind !== "type")
    .flatMap((node) => {
      const from = String(nodeAt(node, "source")?.value);
      if (!network.test(from) || socketUsers.has(path) || (path === vaultTransport && from === "undici")) return [];
      if (path === clusterKeys && from === "node:https") return [];
      return (node.type === "ImportDeclaration" ? importedNames(node) : ["*"])
        .filter((name) => !harmless.has(name))
        .map((name) => `${path} imports ${name} of ${from}`);
    });
}

export function outboundFaults({ path, tree, imports }: SourceFile): readonly string[] {
  const computed = imports.filter(({ specifier }) => network.test(specifier)).length;
  const imported = computed === 0 ? [] : importFaults(path, tree);
  const called = [...walk(tree)].flatMap((node) => {
    const name = ["CallExpression", "NewExpression"].includes(node.type)
      ? dottedName(nodeAt(node, "callee"))
      : undefined;
    return name !== undefined && reaching.has(name) ? [`${path} calls ${name}`] : [];
  });
  return [...imported, ...called];
}
