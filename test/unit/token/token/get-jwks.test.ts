// The key list that verifiers elsewhere rely upon.
import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { GetJwksRequestSchema, type GetJwksResponse } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { calculateJwkThumbprint } from "jose";
import { describe, expect, it } from "vitest";
import type { VerificationKey } from "../../../../src/kernel/sealing.ts";
import { Secret } from "../../../../src/kernel/secret.ts";
import { createGetJwks } from "../../../../src/token/token/get-jwks.ts";
import { createTestSigner } from "../../../fakes/token-signer.ts";
import { createTokenWorld } from "../../../fakes/token-world.ts";

const request = create(GetJwksRequestSchema, {});
const nonEmpty = (key: object) =>
  Object.fromEntries(Object.entries(key).filter(([name, value]) => !name.startsWith("$") && value !== ""));

describe("GetJwks", () => {
  it.each(["ES256", "EdDSA", "RS256"] as const)(
    "JWT-20 JWT-21 gives public members alone, and the thumbprint as kid: %s",
    async (alg) => {
      const world = createTokenWorld({ signer: createTestSigner(alg) });
      const { keys } = (await world.handler("getJwks")(request, world.call())) as GetJwksResponse;
      expect(keys).toHaveLength(1);
      const jwk = nonEmpty(keys[0] ?? {});
      expect(jwk).toMatchObject({ alg, use: "sig" });
      expect(
        Object.keys(jwk).every((name) => ["kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"].includes(name)),
      ).toBe(true);
      expect(jwk.kid).toBe(await calculateJwkThumbprint(jwk));
    },
  );

  it("CVE-2026-90942 JWT-20 lets no private member out, even of a key home that hands one over", async () => {
    const { privateKey } = createTestSigner();
    const jwk: Record<string, string> = { ...(privateKey.export({ format: "jwk" }) as object), k: "c2VjcmV0" };
    const key: VerificationKey = { kid: "a", algorithm: "ES256", jwk };
    const signer = { ...createTestSigner(), verificationKeys: () => [key] };
    const answer = await createGetJwks({ signer })(request, createTokenWorld().call());
    expect(JSON.stringify(answer)).not.toContain(jwk.d);
    expect(JSON.stringify(answer)).not.toContain("c2VjcmV0");
  });

  it("JWT-20 lists keys that sign no more, and no HS256 secret", async () => {
    const [old, current] = [createTestSigner(), createTestSigner()];
    const keys = [old.current(), current.current()];
    const signer = { ...current, verificationKeys: () => keys };
    const foreignHmacKey = { audience: "legacy", key: new Secret(randomBytes(32)) };
    const world = createTokenWorld({ signer, settings: { foreignHmacKey } });
    const answer = (await world.handler("getJwks")(request, world.call())) as GetJwksResponse;
    expect(answer.keys.map(({ kid }) => kid)).toEqual(keys.map(({ kid }) => kid));
    expect(new Set(answer.keys.map(({ kid }) => kid)).size).toBe(2);
    expect(answer.keys.every(({ kty }) => kty === "EC")).toBe(true);
  });
});
