// Sessions of clients whose tokens are bound, and of those that keep their refresh token, on the real database.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import {
  ClientService,
  RefreshRotation,
  SenderConstraint,
} from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Presentation, type TokenSet } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Principal } from "../../../src/kernel/principal.ts";
import { makeProver, type Prover } from "../../fixtures/dpop.ts";
import { bootstrap, goodPassword, type House, openHouse } from "./house.ts";

let house: House;
let root: { principalId: string; caller: Principal };
let prover: Prover;
let thief: Prover;
const secrets = new Map<string, string>();
beforeEach(async () => {
  [prover, thief] = [await makeProver(), await makeProver("EdDSA")];
  house = await openHouse({ registration: "open" });
  root = await bootstrap(house);
  await house.call(AuthService.method.register, { loginName: "alice", password: goodPassword });
});
afterEach(() => house.close());

const { createClient, createClientSecret, updateClient } = ClientService.method;
const refused = { reason: "REFRESH_TOKEN_INVALID", auditReason: "TOKEN_BOUND" };
const certificateOf = (letter: string) => ({
  spiffeId: undefined,
  dnsNames: [],
  thumbprint: `${letter.repeat(42)}A`,
  expiresAt: new Date("2027-01-01T00:00:00Z"),
});

async function make(clientId: string, confidential: boolean, more: object): Promise<void> {
  const settings = { logins: true, audiences: ["shop"], scopes: ["orders.read"], ...more };
  await house.call(createClient, { clientId, confidential, settings }, root.caller);
  if (confidential) secrets.set(clientId, (await house.call(createClientSecret, { clientId }, root.caller)).secret);
}
const clientOf = (clientId: string) => ({ clientId, clientSecret: secrets.get(clientId) ?? "" });
const later = (ms: number) => {
  house.clock.time = new Date(house.clock.time.getTime() + ms);
};

type Shown = NonNullable<Parameters<House["call"]>[3]>;
const proven = async (by: Prover): Promise<Shown> => ({ proofs: [await by.proof("/test", { now: house.clock.time })] });

async function logIn(clientId: string, shown: Shown = {}): Promise<TokenSet> {
  const person = { loginName: "alice", password: goodPassword, ...(clientId === "" ? {} : clientOf(clientId)) };
  const { outcome } = await house.call(AuthService.method.login, person, undefined, shown);
  if (outcome.value === undefined) throw new TypeError("no tokens");
  return outcome.value;
}

async function refresh(refreshToken: string, clientId: string, shown: Shown = {}): Promise<TokenSet> {
  const request = { refreshToken, ...(clientId === "" ? {} : clientOf(clientId)) };
  const { tokens } = await house.call(TokenService.method.refresh, request, undefined, shown);
  if (tokens === undefined) throw new TypeError("no tokens");
  return tokens;
}

describe("a session whose tokens are bound to a key", () => {
  it("TOK-24 opens with a proof and in no other way, and binds access and refresh token of a public client", async () => {
    await make("phone", false, { senderConstraint: SenderConstraint.DPOP });
    await expect(logIn("phone")).rejects.toMatchObject({ reason: "PROOF_REQUIRED" });
    await expect(logIn("phone", { proofs: ["x"] })).rejects.toMatchObject({ reason: "PROOF_INVALID" });
    const tokens = await logIn("phone", await proven(prover));
    expect(tokens.presentation).toBe(Presentation.DPOP);
    expect(decodeJwt(tokens.accessToken).cnf).toEqual({ jkt: prover.thumbprint });
    await expect(refresh(tokens.refreshToken, "phone")).rejects.toMatchObject(refused);
    await expect(refresh(tokens.refreshToken, "phone", await proven(thief))).rejects.toMatchObject(refused);
    const next = await refresh(tokens.refreshToken, "phone", await proven(prover));
    expect(next.presentation).toBe(Presentation.DPOP);
    expect(decodeJwt(next.accessToken).cnf).toEqual({ jkt: prover.thumbprint });
    // What was refused used nothing up, and another replica knows of the key from the database.
    const replica = await house.replica();
    replica.clock.time = house.clock.time;
    const request = { refreshToken: next.refreshToken, ...clientOf("phone") };
    await expect(
      replica.call(TokenService.method.refresh, request, undefined, await proven(thief)),
    ).rejects.toMatchObject(refused);
  });

  it("TOK-24 of the built-in client is bound when its login comes with a proof", async () => {
    const tokens = await logIn("", await proven(prover));
    expect(tokens.presentation).toBe(Presentation.DPOP);
    await expect(refresh(tokens.refreshToken, "")).rejects.toMatchObject(refused);
    await refresh(tokens.refreshToken, "", await proven(prover));
    const bare = await logIn("");
    expect(bare.presentation).toBe(Presentation.BEARER);
    expect(decodeJwt(bare.accessToken)).not.toHaveProperty("cnf");
  });

  it("RFC 9449 section 5: a confidential client, whose secret guards the refresh token, may turn to another key", async () => {
    await make("till", true, { senderConstraint: SenderConstraint.DPOP });
    const { refreshToken } = await logIn("till", await proven(prover));
    await expect(refresh(refreshToken, "till")).rejects.toMatchObject({ reason: "PROOF_REQUIRED" });
    const next = await refresh(refreshToken, "till", await proven(thief));
    expect(decodeJwt(next.accessToken).cnf).toEqual({ jkt: thief.thumbprint });
  });

  it("TOK-21 bound to a certificate opens and goes on with that certificate", async () => {
    await make("kiosk", false, { senderConstraint: SenderConstraint.MTLS });
    await expect(logIn("kiosk")).rejects.toMatchObject({ reason: "PROOF_REQUIRED" });
    const mine = { certificate: certificateOf("B") };
    const tokens = await logIn("kiosk", mine);
    expect(decodeJwt(tokens.accessToken).cnf).toEqual({ "x5t#S256": mine.certificate.thumbprint });
    await expect(refresh(tokens.refreshToken, "kiosk", { certificate: certificateOf("C") })).rejects.toMatchObject(
      refused,
    );
    await expect(refresh(tokens.refreshToken, "kiosk")).rejects.toMatchObject(refused);
    await refresh(tokens.refreshToken, "kiosk", mine);
  });
});

describe("a session of a client that keeps its refresh token", () => {
  beforeEach(() => make("desk", true, { refreshRotation: RefreshRotation.OFF }));

  it("J-05 is renewed by the original token again and again, also by many at once", async () => {
    const { refreshToken } = await logIn("desk");
    for (let round = 0; round < 3; round += 1) {
      later(60_000);
      const next = await refresh(refreshToken, "desk");
      expect(next.refreshToken).toBe(refreshToken);
      expect(decodeJwt(next.accessToken).iat).toBe(house.clock.time.getTime() / 1000);
    }
    const all = await Promise.all(Array.from({ length: 20 }, () => refresh(refreshToken, "desk")));
    expect(new Set(all.map((tokens) => tokens.refreshToken))).toEqual(new Set([refreshToken]));
  });

  it("J-05 TOK-05 TOK-07 TOK-08 ends as every other: idle, with its client, revoked; and is no other client's", async () => {
    await make("other", true, { refreshRotation: RefreshRotation.OFF });
    const idle = await logIn("desk");
    later(6 * 86_400_000);
    await refresh(idle.refreshToken, "desk");
    later(6 * 86_400_000);
    await refresh(idle.refreshToken, "desk");
    await expect(refresh(idle.refreshToken, "other")).rejects.toMatchObject({ auditReason: "CLIENT_MISMATCH" });
    later(7 * 86_400_000);
    await expect(refresh(idle.refreshToken, "desk")).rejects.toMatchObject({ auditReason: "SESSION_IDLE" });
    const revoked = await logIn("desk");
    await house.call(TokenService.method.revoke, { token: revoked.refreshToken }, root.caller);
    await expect(refresh(revoked.refreshToken, "desk")).rejects.toMatchObject({ auditReason: "SESSION_ENDED" });
  });

  it("J-05 TOK-02 what was used up before the client kept its tokens is still a reuse", async () => {
    const { refreshToken } = await logIn("desk");
    const set = (refreshRotation: RefreshRotation) =>
      house.call(
        updateClient,
        { clientId: "desk", settings: { refreshRotation }, updateMask: { paths: ["refresh_rotation"] } },
        root.caller,
      );
    await set(RefreshRotation.ROTATE);
    house.clients.onFeed(house.database.committed);
    const next = await refresh(refreshToken, "desk");
    expect(next.refreshToken).not.toBe(refreshToken);
    await set(RefreshRotation.OFF);
    house.clients.onFeed(house.database.committed);
    later(20_000);
    expect((await refresh(next.refreshToken, "desk")).refreshToken).toBe(next.refreshToken);
    later(15_000);
    await expect(refresh(refreshToken, "desk")).rejects.toMatchObject({ auditReason: "REFRESH_TOKEN_REUSED" });
    await expect(refresh(next.refreshToken, "desk")).rejects.toMatchObject({ auditReason: "SESSION_ENDED" });
  });
});
