// Tokens that the installation never issued, some of them signed with its own key: what a thief of its keys, an old
// token and a forger would present.
import { createHmac } from "node:crypto";
import { systemClock } from "../../../src/kernel/clock.ts";
import { openHomes } from "../../../src/keys/homes.ts";
import { homeOptions } from "../../fixtures/key-home.ts";
import { embeddedRows } from "./embedded-rows.ts";

export type Claims = Readonly<Record<string, unknown>>;

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export interface Mint {
  /** Header and claims of a token, as they are. */
  read(token: string): { readonly header: Claims; readonly claims: Claims };
  /** Signed with the installation's own key. */
  sign(header: Claims, claims: Claims): Promise<string>;
  /** An HMAC with the public key, in the hope that it is taken for a secret. */
  confuse(claims: Claims): string;
  unsigned(claims: Claims): string;
}

function parsed(part: string | undefined): Claims {
  return JSON.parse(Buffer.from(part ?? "", "base64url").toString()) as Claims;
}

export async function openMint(dataDir: string): Promise<Mint> {
  const [installation] = await embeddedRows<{ id: string }>(dataDir, "select id from installation");
  const installationId = installation?.id ?? "";
  const home = await openHomes({ ...(await homeOptions(dataDir)), installationId, clock: systemClock }, []);
  const [row] = await embeddedRows<{ kid: string; handle: string; public_jwk: Record<string, string> }>(
    dataDir,
    "select kid, handle, public_jwk from signing_key where algorithm = 'ES256' order by number desc limit 1",
  );
  if (row === undefined) throw new Error("the installation has no signing key");
  const { kid, handle, public_jwk: members } = row;
  const jwk = { ...members, kid, alg: "ES256", use: "sig" };
  return {
    read: (token) => ({ header: parsed(token.split(".")[0]), claims: parsed(token.split(".")[1]) }),
    async sign(header, claims) {
      const input = `${encode(header)}.${encode(claims)}`;
      const signature = await home.signing.sign(
        { algorithm: "ES256", jwk: members, handle },
        Buffer.from(input, "latin1"),
      );
      return `${input}.${signature.toString("base64url")}`;
    },
    confuse(claims) {
      const input = `${encode({ alg: "HS256", typ: "at+jwt", kid })}.${encode(claims)}`;
      return `${input}.${createHmac("sha256", JSON.stringify(jwk)).update(input).digest("base64url")}`;
    },
    unsigned: (claims) => `${encode({ alg: "none", typ: "at+jwt" })}.${encode(claims)}.`,
  };
}
