// Tokens that no verifier may take, each made from a good one by one change, and the reason that an introspector with
// the right to know is given. Whatever can be truly signed is truly signed, so that the signature excuses nothing.
import { createHmac, sign } from "node:crypto";
import { createTestSigner, signAnything } from "../../fakes/token-signer.ts";
import type { TokenWorld } from "../../fakes/token-world.ts";
import { goodHeader, goodPayload } from "./claims.ts";

export interface HostileToken {
  readonly id: string;
  readonly what: string;
  readonly reason: string;
  make(world: TokenWorld): string | Promise<string>;
}

type Members = Record<string, unknown>;

const malformed = "TOKEN_MALFORMED";
const unsigned = "TOKEN_SIGNATURE_INVALID";
const good = (world: TokenWorld) => signAnything(world.signer, goodHeader(world), goodPayload(world));
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

function without(members: Members, name: string): Members {
  return Object.fromEntries(Object.entries(members).filter(([key]) => key !== name));
}

function text(id: string, what: string, change: (token: string) => string): HostileToken {
  return { id, what, reason: malformed, make: async (world) => change(await good(world)) };
}

function header(id: string, what: string, members: Members, reason = malformed): HostileToken {
  return {
    id,
    what: `header ${what}`,
    reason,
    make: (world) => signAnything(world.signer, { ...goodHeader(world), ...members }, goodPayload(world)),
  };
}

function payload(id: string, what: string, change: (payload: Members) => unknown, reason = malformed): HostileToken {
  return {
    id,
    what: `payload ${what}`,
    reason,
    make: (world) => signAnything(world.signer, goodHeader(world), change(goodPayload(world))),
  };
}

function claim(id: string, name: string, value: unknown, reason = malformed): HostileToken {
  return payload(id, `${name} = ${JSON.stringify(value)}`, (claims) => ({ ...claims, [name]: value }), reason);
}

/** Changes the signature of a good token. */
function signature(id: string, what: string, change: (bytes: Buffer) => Buffer, reason = unsigned): HostileToken {
  return {
    id,
    what: `signature ${what}`,
    reason,
    make: async (world) => {
      const [head, body, tail = ""] = (await good(world)).split(".");
      return `${head}.${body}.${change(Buffer.from(tail, "base64url")).toString("base64url")}`;
    },
  };
}

/** A MAC under what everybody knows of the verifying key. */
function confused(what: string, keyOf: (world: TokenWorld) => string | Buffer): HostileToken {
  return {
    id: "JWT-04",
    what: `HS256 under the public key as ${what}`,
    reason: unsigned,
    make(world) {
      const input = `${encode({ ...goodHeader(world), alg: "HS256" })}.${encode(goodPayload(world))}`;
      return `${input}.${createHmac("sha256", keyOf(world)).update(input).digest("base64url")}`;
    },
  };
}

const pem = (world: TokenWorld) => world.signer.publicKey.export({ format: "pem", type: "spki" }).toString();

/** The other spellings of a part: the same bytes to a careless decoder. */
function respell(part: number): HostileToken {
  return text("JWT-02", `unused bits of part ${part + 1} set`, (token) => {
    const parts = token.split(".");
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const old = parts[part] ?? "";
    const other = [...alphabet].find((character) => {
      const candidate = old.slice(0, -1) + character;
      return candidate !== old && Buffer.from(candidate, "base64url").equals(Buffer.from(old, "base64url"));
    });
    // A part of 3n bytes has no unused bits: then a character too many is its other spelling.
    parts[part] = other === undefined ? `${old}A` : old.slice(0, -1) + other;
    return parts.join(".");
  });
}

const characters = [" ", "\n", "\t", "\r", "=", "+", "/", "?", "\0", "{", '"', "\u00a0", "é", "%2e"];
const positions: readonly [string, (token: string, character: string) => string][] = [
  ["before", (token, character) => character + token],
  ["after", (token, character) => token + character],
  ["inside the header", (token, character) => token.slice(0, 5) + character + token.slice(5)],
  ["before the first dot", (token, character) => token.replace(".", `${character}.`)],
  ["before the last dot", (token, character) => token.replace(/\.(?=[^.]*$)/, `${character}.`)],
];

const strings: readonly HostileToken[] = [
  ...characters.flatMap((character) =>
    positions.map(([where, put]) =>
      text("JWT-01", `${JSON.stringify(character)} ${where}`, (token) => put(token, character)),
    ),
  ),
  ...[0, 1, 2].map(respell),
  text("JWT-01", "a fourth part", (token) => `${token}.${token.split(".")[2]}`),
  text("JWT-01", "a trailing dot", (token) => `${token}.`),
  text("JWT-01", "two parts", (token) => token.split(".").slice(0, 2).join(".")),
  text("JWT-05", "an empty signature", (token) => `${token.split(".").slice(0, 2).join(".")}.`),
  text("JWT-01", "nothing but dots", () => ".."),
  text("JWT-11", "flattened JSON serialisation", (token) => {
    const [head, body, tail] = token.split(".");
    return JSON.stringify({ protected: head, payload: body, signature: tail });
  }),
  text("JWT-11", "general JSON serialisation", (token) => {
    const [head, body, tail] = token.split(".");
    return JSON.stringify({ payload: body, signatures: [{ protected: head, signature: tail }] });
  }),
  text("JWT-22", "16 KiB and one byte", (token) => token.padEnd(16 * 1024 + 1, "A")),
  text("JWT-22", "1 MiB", (token) => token.padEnd(1024 * 1024, "A")),
  text("JWT-22", "1 MiB of dots", () => ".".repeat(1024 * 1024)),
];

const algorithms: readonly unknown[] = [
  "none",
  "None",
  "NONE",
  "nOnE",
  "noNE",
  "",
  "HS256",
  "HS384",
  "HS512",
  "ES384",
  "ES512",
  "ES256K",
  "es256",
  "ES256 ",
  "RS256",
  "EdDSA",
  "Ed25519",
  "__proto__",
  "constructor",
  null,
  0,
  [],
  ["ES256"],
  {},
  true,
];

const kids: readonly unknown[] = [
  "../../../../etc/passwd",
  "' or 1=1 --",
  "__proto__",
  "constructor",
  "toString",
  "unknown",
  "a\0b",
];

const headers: readonly HostileToken[] = [
  ...algorithms.map((alg) => header("JWT-03 JWT-10", `alg = ${JSON.stringify(alg)}`, { alg }, unsigned)),
  {
    id: "JWT-03",
    what: "header without alg",
    reason: unsigned,
    make: (world) => signAnything(world.signer, without(goodHeader(world), "alg"), goodPayload(world)),
  },
  {
    id: "JWT-03",
    what: "alg none with no signature",
    reason: unsigned,
    make: (world) => `${encode({ ...goodHeader(world), alg: "none" })}.${encode(goodPayload(world))}.`,
  },
  confused("PEM", pem),
  confused("PEM without its last line break", (world) => pem(world).trimEnd()),
  confused("DER", (world) => world.signer.publicKey.export({ format: "der", type: "spki" })),
  confused("JWK", (world) => JSON.stringify(world.signer.publicKey.export({ format: "jwk" }))),
  confused("published JWK", (world) => JSON.stringify(world.signer.current().jwk)),
  confused("raw coordinates", (world) => {
    const { x = "", y = "" } = world.signer.publicKey.export({ format: "jwk" });
    return Buffer.concat([Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  }),
  confused("nothing", () => ""),
  ...[[], ["exp"], ["b64"], ["unheard"], ["alg"], "exp", null].map((crit) =>
    header("JWT-12", `crit = ${JSON.stringify(crit)}`, { crit }),
  ),
  header("JWT-12", "b64 = false", { b64: false }),
  header("JWT-12", "b64 = false, critical", { b64: false, crit: ["b64"] }),
  header("JWT-12", "zip = DEF", { zip: "DEF" }),
  header("JWT-13", "jku", { jku: "http://127.0.0.1:9/jwks" }),
  header("JWT-13", "x5u", { x5u: "http://127.0.0.1:9/cert" }),
  header("JWT-13", "x5c", { x5c: ["MIIB"] }),
  header("JWT-13", "x5t", { "x5t#S256": "AAAA" }),
  {
    id: "JWT-13",
    what: "header jwk with the forger's own key",
    reason: malformed,
    async make(world) {
      const forger = createTestSigner();
      const jwk = forger.publicKey.export({ format: "jwk" });
      return await signAnything(forger, { ...goodHeader(world), jwk }, goodPayload(world));
    },
  },
  ...kids.map((kid) => header("JWT-14", `kid = ${JSON.stringify(kid)}`, { kid }, unsigned)),
  ...["", 7, null, [], {}, "k".repeat(10_240)].map((kid) =>
    header("JWT-14", `kid = ${JSON.stringify(kid).slice(0, 20)}`, { kid }),
  ),
  ...[
    "JWT",
    "jwt",
    "dpop+jwt",
    "AT+JWT",
    "at+JWT",
    "application/AT+JWT",
    "id+jwt",
    "at+jwt ",
    "logout+jwt",
    "",
    null,
    1,
    ["at+jwt"],
  ].map((typ) => header("JWT-15 JWT-16", `typ = ${JSON.stringify(typ)}`, { typ }, "TOKEN_WRONG_KIND")),
  {
    id: "JWT-15",
    what: "header without typ",
    reason: "TOKEN_WRONG_KIND",
    make: (world) => signAnything(world.signer, without(goodHeader(world), "typ"), goodPayload(world)),
  },
  {
    id: "JWT-17",
    what: "header with two alg",
    reason: malformed,
    make(world) {
      const { kid } = world.signer.current();
      return signAnything(
        world.signer,
        `{"alg":"none","alg":"ES256","typ":"at+jwt","kid":"${kid}"}`,
        goodPayload(world),
      );
    },
  },
  ...['["ES256"]', '"ES256"', "1", "null", "", "\ufeff{}", "{", `{"a":${"[".repeat(200)}${"]".repeat(200)}}`].map(
    (raw): HostileToken => ({
      id: "JWT-18",
      what: `header ${JSON.stringify(raw).slice(0, 30)}`,
      reason: malformed,
      make: (world) => signAnything(world.signer, raw, goodPayload(world)),
    }),
  ),
  {
    id: "JWT-18",
    what: "header in invalid UTF-8",
    reason: malformed,
    make: (world) => signAnything(world.signer, Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]), goodPayload(world)),
  },
];

/** DER, as OpenSSL and many libraries write ECDSA by default. */
const derSigned: HostileToken = {
  id: "JWT-05",
  what: "signature in DER",
  reason: unsigned,
  make(world) {
    const input = `${encode(goodHeader(world))}.${encode(goodPayload(world))}`;
    return `${input}.${sign("sha256", Buffer.from(input), world.signer.privateKey).toString("base64url")}`;
  },
};

const signatures: readonly HostileToken[] = [
  derSigned,
  signature("JWT-05", "truncated by a byte", (bytes) => bytes.subarray(0, -1)),
  signature("JWT-05", "extended by a byte", (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
  signature("JWT-05", "empty", () => Buffer.alloc(0), malformed),
  signature("JWT-05", "of one byte", () => Buffer.alloc(1)),
  signature("JWT-05", "all zero", (bytes) => Buffer.alloc(bytes.length)),
  signature("JWT-05", "all ones", (bytes) => Buffer.alloc(bytes.length, 0xff)),
  signature("JWT-05", "swapped r and s", (bytes) => Buffer.concat([bytes.subarray(32), bytes.subarray(0, 32)])),
  ...[0, 7, 255, 256, 511].map((bit) =>
    signature("JWT-05", `with bit ${bit} flipped`, (bytes) => {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return flipped;
    }),
  ),
  {
    id: "JWT-05 J-07",
    what: "payload changed after signing",
    reason: unsigned,
    async make(world) {
      const [head, , tail] = (await good(world)).split(".");
      return `${head}.${encode({ ...goodPayload(world), sub: "prn_01890000-0000-7000-8000-00000000000b" })}.${tail}`;
    },
  },
  {
    id: "JWT-05",
    what: "a stranger's signature under our kid",
    reason: unsigned,
    make: (world) => signAnything(createTestSigner(), goodHeader(world), goodPayload(world)),
  },
];

const required = [
  "iss",
  "sub",
  "aud",
  "exp",
  "iat",
  "nbf",
  "jti",
  "sid",
  "client_id",
  "scope",
  "roles",
  "amr",
  "acr",
  "auth_time",
  "gen",
];

/** JSON.stringify cannot write these. */
function rawNumber(name: string, literal: string): HostileToken {
  return payload("CLM-03", `${name} = ${literal}`, (claims) =>
    JSON.stringify({ ...claims, [name]: "@" }).replace('"@"', literal),
  );
}

const numbers = ["exp", "iat", "nbf", "auth_time"].flatMap((name) => [
  ...["1900000000", null, true, [], {}, -1, 1.5, 9e15].map((value) => claim("CLM-03", name, value)),
  rawNumber(name, "1e999"),
  rawNumber(name, "-1e999"),
]);

const wrongIssuer = "TOKEN_WRONG_ISSUER";
const wrongAudience = "TOKEN_WRONG_AUDIENCE";

const claims: readonly HostileToken[] = [
  ...required.map((name) => payload("CLM-02", `without ${name}`, (members) => without(members, name))),
  ...numbers,
  ...["https://GATEHOUSE.test", "https://gatehouse.test/", " https://gatehouse.test", "__proto__", "", null, 1].map(
    (iss) => claim("CLM-04", "iss", iss, wrongIssuer),
  ),
  claim("CLM-04", "iss", ["https://gatehouse.test"], wrongIssuer),
  ...["other", "gatehous", "gatehouse2", "Gatehouse", "gatehouse ", "", null, 1, {}].map((aud) =>
    claim("CLM-05", "aud", aud, wrongAudience),
  ),
  claim("CLM-05", "aud", ["gatehouse"], wrongAudience),
  claim("CLM-05", "aud", ["gatehouse", "other"], wrongAudience),
  payload("CLM-07", "living a second longer than allowed", (members) => ({
    ...members,
    exp: Number(members.iat) + 1801,
  })),
  payload("CLM-07", "expiring before it was issued", (members) => ({ ...members, exp: Number(members.iat) - 1 })),
  ...[
    "",
    "01890000-0000-7000-8000-00000000000a",
    "ses_01890000-0000-7000-8000-00000000000a",
    "prn_",
    "prn_' or 1=1",
    "prn_../x",
    "prn_01890000-0000-7000-8000-00000000000A",
    "prn_01890000-0000-7000-8000-00000000000a\r\n",
    "\u202eprn_",
    null,
    1,
    [],
  ].map((sub) => claim("CLM-06 CLM-08", "sub", sub)),
  ...["", "x", "prn_01890000-0000-7000-8000-0000000000aa", null].map((sid) => claim("CLM-08", "sid", sid)),
  ...["", "not-a-uuid", null, 1].map((jti) => claim("CLM-08", "jti", jti)),
  ...["", "a  b", " a", null, ["*"]].map((scope) => claim("CLM-08", "scope", scope)),
  ...["admin", null, [1], [["admin"]], { admin: true }].map((roles) => claim("CLM-08", "roles", roles)),
  ...["1", -1, 1.5, null].map((gen) => claim("CLM-03", "gen", gen)),
  ...[
    [],
    {},
    null,
    [null],
    [{ sub: "prn_x", gen: 1 }],
    [{ gen: 1 }],
    [{ sub: "prn_01890000-0000-7000-8000-00000000000b", gen: -1 }],
    Array(9).fill({ sub: "prn_01890000-0000-7000-8000-00000000000b", gen: 1 }),
  ].map((via) => claim("CLM-03 TOK-18", "via", via)),
  ...["1", -1, 1.5, null, 8.65e15].map((since) => claim("CLM-03", "since", since)),
  payload("JWT-17", "with two sub", (members) =>
    JSON.stringify(members).replace('"sub":', '"sub":"prn_01890000-0000-7000-8000-00000000000b","sub":'),
  ),
  payload("JWT-17", "with two sub, one escaped", (members) =>
    JSON.stringify(members).replace('"sub":', '"s\\u0075b":"prn_01890000-0000-7000-8000-00000000000b","sub":'),
  ),
  ...["[]", '"text"', "1", "null", "", "{", "\ufeff{}", `{"a":${"[".repeat(200)}${"]".repeat(200)}}`].map((raw) =>
    payload("JWT-18", JSON.stringify(raw).slice(0, 30), () => raw),
  ),
  payload("JWT-18", "in invalid UTF-8", () => Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])),
];

export const hostileTokens: readonly HostileToken[] = [...strings, ...headers, ...signatures, ...claims];
