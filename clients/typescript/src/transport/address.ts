// Where the server is, and whether the way there may be plaintext.

export interface Address {
  /** As @grpc/grpc-js takes it. */
  readonly target: string;
  /** True when nothing leaves this machine. */
  readonly local: boolean;
  /** True when calls are spread over every address behind the name. */
  readonly balanced: boolean;
}

const tcp = /^(?:dns:(?:\/\/\/)?)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?):([0-9]{1,5})$/;
const loopbackV4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

function isLoopback(host: string): boolean {
  return host.toLowerCase() === "localhost" || host === "[::1]" || loopbackV4.test(host);
}

/** `host:port`, `[v6]:port`, `dns:host:port` (every address behind the name is used) or `unix:/path`. Throws TypeError. */
export function parseAddress(text: string): Address {
  if (/^unix:(\/\/)?\/[^/]/.test(text)) return { target: text, local: true, balanced: false };
  const [, host, port] = tcp.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) {
    throw new TypeError("address must be host:port, [ipv6]:port, dns:host:port or unix:/path");
  }
  return { target: text, local: isLoopback(host), balanced: text.startsWith("dns:") };
}
