// How a setting's text becomes a value: one parser for each kind. A problem says what was expected and never repeats
// what was given, since a pasted password is the commonest wrong value.
import { isIP } from "node:net";
import { resolve } from "node:path";
import { decodeMasterKey, looksChosen, masterKeyForm } from "../kernel/master-key.ts";
import { type Networks, parseNetworks } from "../kernel/networks.ts";
import { Secret } from "../kernel/secret.ts";

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly expected: string };

export interface Kind<T> {
  /** For docs/settings.md: what may be written. */
  readonly form: string;
  parse(text: string): Parsed<T>;
}

export function kind<T>(form: string, read: (text: string) => T | undefined): Kind<T> {
  const refusal: Parsed<T> = { ok: false, expected: form };
  return {
    form,
    parse: (text) => {
      const value = read(text);
      return value === undefined ? refusal : { ok: true, value };
    },
  };
}

const truth = new Map([
  ["true", true],
  ["false", false],
]);

export const boolean: Kind<boolean> = kind("`true` or `false`", (text) => truth.get(text));

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  return kind(values.map((value) => `\`${value}\``).join(", "), (text) => values.find((value) => value === text));
}

function wholeNumber(text: string): number | undefined {
  return /^(0|[1-9]\d{0,14})$/.test(text) ? Number(text) : undefined;
}

/** A whole number within bounds, times `unit` when the value is kept in a finer unit than it is written in. */
export function integer(bounds: { readonly min: number; readonly max: number; readonly unit?: number }): Kind<number> {
  return kind(`whole number from ${bounds.min} to ${bounds.max}`, (text) => {
    const value = wholeNumber(text);
    if (value === undefined || value < bounds.min || value > bounds.max) return undefined;
    return value * (bounds.unit ?? 1);
  });
}

const durationUnits = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);

function milliseconds(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const unit = durationUnits.get(match?.[2] ?? "");
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** `30m` and the like, in milliseconds. Bounds are written the same way. */
export function duration(min: string, max: string): Kind<number> {
  const least = milliseconds(min) ?? 0;
  const most = milliseconds(max) ?? 0;
  return kind(`duration such as \`30m\` (ms, s, m, h, d) from ${min} to ${max}`, (text) => {
    const value = milliseconds(text);
    return value === undefined || value < least || value > most ? undefined : value;
  });
}

export function durationOrOff(min: string, max: string): Kind<number | "off"> {
  const some = duration(min, max);
  return kind(`${some.form}, or \`off\``, (text) => {
    if (text === "off") return text;
    const parsed = some.parse(text);
    return parsed.ok ? parsed.value : undefined;
  });
}

const byteUnits = new Map([
  ["B", 1],
  ["KiB", 1024],
  ["MiB", 1024 ** 2],
]);

function byteCount(text: string): number | undefined {
  const match = /^(\d{1,9})(B|KiB|MiB)$/.exec(text);
  const unit = byteUnits.get(match?.[2] ?? "");
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

export function bytes(min: string, max: string): Kind<number> {
  const least = byteCount(min) ?? 0;
  const most = byteCount(max) ?? 0;
  return kind(`size such as \`64KiB\` (B, KiB, MiB) from ${min} to ${max}`, (text) => {
    const value = byteCount(text);
    return value === undefined || value < least || value > most ? undefined : value;
  });
}

/** A budget of calls. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

// Stores compute in microseconds since 1970, which hold exactly below 2^53: beyond that nobody could log in.
const mostCalls = 1_000_000_000;
const longestPeriodMs = 366 * 86_400_000;

export const rate: Kind<Rate | "off"> = kind("`count/duration` such as `10/60s` (up to 366d), or `off`", (text) => {
  if (text === "off") return "off";
  const [count, per, ...rest] = text.split("/");
  const calls = wholeNumber(count ?? "");
  const perMs = milliseconds(per ?? "");
  if (rest.length > 0 || calls === undefined || calls === 0 || perMs === undefined || perMs === 0) return undefined;
  return calls > mostCalls || perMs > longestPeriodMs ? undefined : { count: calls, perMs };
});

export type LimitClassName = "login" | "tokenCheck" | "read" | "write";

const limitClassNames: ReadonlySet<string> = new Set(["login", "tokenCheck", "read", "write"]);

/** Classes of calls, as refusals name them. */
export const limitClasses: Kind<ReadonlySet<LimitClassName>> = kind(
  "`none`, or some of `login`, `tokenCheck`, `read`, `write` with commas",
  (text) => {
    const words = text === "none" ? [] : text.split(",").map((word) => word.trim());
    return words.every((word) => limitClassNames.has(word)) ? new Set(words as LimitClassName[]) : undefined;
  },
);

function limitOverride(text: string): readonly [string, Rate | "off"] | undefined {
  const [, method, budget] = /^\s*([A-Za-z][A-Za-z0-9_.]*\/[A-Za-z][A-Za-z0-9_]*)=(\S+)\s*$/.exec(text) ?? [];
  const parsed = rate.parse(budget ?? "");
  return method === undefined || !parsed.ok ? undefined : [method, parsed.value];
}

/** Methods by `package.Service/Method` or `Service/Method`; each once. */
export const limitOverrides: Kind<ReadonlyMap<string, Rate | "off">> = kind(
  "`Service/Method=count/duration` with commas, such as `TokenService/Refresh=10/60s`",
  (text) => {
    const all = text.split(",").map(limitOverride);
    const right = all.filter((one) => one !== undefined);
    const methods = new Map(right);
    return right.length === all.length && methods.size === all.length ? methods : undefined;
  },
);

/** WHATWG URLs know no `redis:`; host and port are all that is looked at here, the driver reads the rest. */
export const redisUrl: Kind<Secret<string>> = kind(
  "`rediss://user:password@host:port`, `redis://` on this machine",
  (text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const right =
      url !== undefined &&
      /^rediss?:$/.test(url.protocol) &&
      url.hostname !== "" &&
      /^(\/\d{0,3})?$/.test(url.pathname);
    return right && url.search === "" && url.hash === "" ? new Secret(text) : undefined;
  },
);

/** Names travel in tokens and log lines, so they hold visible ASCII and nothing else. */
export const name: Kind<string> = kind("1 to 255 visible ASCII characters", (text) =>
  /^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined,
);

export const path: Kind<string> = kind("path, relative to the working directory", (text) => resolve(text));

export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly loopback: boolean }
  | { readonly kind: "unix"; readonly path: string; readonly loopback: true };

// The kernel's limit for the path of a Unix socket is 108 bytes with the closing NUL (104 on macOS).
const longestSocketPath = 103;

function unixAddress(text: string): ListenAddress | undefined {
  const given = text.slice("unix:".length);
  const socket = resolve(given);
  if (given === "" || Buffer.byteLength(socket) > longestSocketPath) return undefined;
  return { kind: "unix", path: socket, loopback: true };
}

/** What is not plainly loopback counts as reachable from elsewhere: `127.1` and mapped addresses are refused, not guessed. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 4) return host.startsWith("127.");
  return host === "::1" || host === "localhost";
}

type TcpAddress = Extract<ListenAddress, { readonly kind: "tcp" }>;

function tcpAddress(text: string): TcpAddress | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, six, other] = match;
  const port = Number(match[3]);
  const host = six ?? other ?? "";
  const known =
    six === undefined
      ? isIP(host) === 4 || /^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/.test(host)
      : isIP(host) === 6;
  return known && port <= 65_535 ? { kind: "tcp", host, port, loopback: isLoopback(host) } : undefined;
}

export const listen: Kind<ListenAddress> = kind("`host:port`, `[ipv6]:port` or `unix:/path/of/socket`", (text) =>
  text.startsWith("unix:") ? unixAddress(text) : tcpAddress(text),
);

/** Networks are written exactly: `10.1.2.3/8` is refused, since nobody can know which of its two halves is the slip. */
export const networks: Kind<Networks> = kind(
  "`any`, `none`, or networks such as `10.0.0.0/8,fd00::/8` with commas, `unix` for the Unix socket",
  parseNetworks,
);

/** SPIFFE-ID section 2.1. */
export const trustDomain: Kind<string> = kind("SPIFFE trust domain such as `prod.example`", (text) =>
  /^[a-z0-9._-]{1,255}$/.test(text) ? text : undefined,
);

/** Only over TCP: Prometheus scrapes no Unix sockets. */
export const listenOrOff: Kind<TcpAddress | "off"> = kind("`host:port`, `[ipv6]:port` or `off`", (text) =>
  text === "off" ? "off" : tcpAddress(text),
);

export const ratio: Kind<number> = kind("number from 0 to 1, such as `0.05`", (text) =>
  /^(0|1|0?\.\d{1,6}|[01]\.0{1,6})$/.test(text) ? Number(text) : undefined,
);

/** A base to which paths are added; credentials in it would be printed. */
export const httpUrl: Kind<string> = kind("http or https URL without user, query or fragment", (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const right = url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  return right && /^[\x21-\x7e]{1,2048}$/.test(text) && !/[?#]/.test(text) ? text.replace(/\/+$/, "") : undefined;
});

/** Values are percent-encoded where they must be, by OpenTelemetry's rules for this variable. */
function decoded(value: string): string | undefined {
  try {
    const text = decodeURIComponent(value);
    return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

function header(text: string): readonly [string, string] | undefined {
  const match = /^\s*([A-Za-z0-9!#$%&'*+.^_`|~-]{1,100})=([\x21-\x7e]{1,4096})\s*$/.exec(text);
  const value = decoded(match?.[2] ?? "");
  return value === undefined ? undefined : [(match?.[1] ?? "").toLowerCase(), value];
}

export const httpHeaders: Kind<Secret<Readonly<Record<string, string>>>> = kind("`name=value,name=value`", (text) => {
  const headers = text.split(",").map(header);
  const right = headers.filter((one) => one !== undefined);
  return right.length === headers.length ? new Secret(Object.fromEntries(right)) : undefined;
});

/** For their owner and perhaps a group: whoever else may reach a socket could not be told apart. */
export const socketMode: Kind<number> = kind("`0600` or `0660`", (text) =>
  /^0?6[06]0$/.test(text) ? Number.parseInt(text, 8) : undefined,
);

/** RFC 8414 section 2: https, no query, no fragment. The text is kept as it is, since issuers are compared as strings. */
export const issuer: Kind<string> = kind("https URL without user, query or fragment", (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.protocol !== "https:" || url.username !== "" || url.password !== "") return undefined;
  return /^[\x21-\x7e]{1,2048}$/.test(text) && !/[?#]/.test(text) ? text : undefined;
});

/** WHATWG URLs may not leave the host out beside credentials; Postgres URLs may, for a socket named by `?host=`. */
export const databaseUrl: Kind<Secret<string>> = kind("`postgres://user:password@host:port/database`", (text) => {
  const whole = text.replace("@/", "@localhost/");
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  const right = url !== undefined && (url.protocol === "postgres:" || url.protocol === "postgresql:");
  return right && url.pathname.length > 1 ? new Secret(text) : undefined;
});

export const masterKey: Kind<Secret<string>> = kind(masterKeyForm, (text) => {
  const key = decodeMasterKey(text);
  return key === undefined || looksChosen(key) ? undefined : new Secret(text);
});

export const secretText: Kind<Secret<string>> = kind("text", (text) => new Secret(text));
