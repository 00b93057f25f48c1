// The reference of introspect-cold: jose verifying the same kind of token, 32 in flight, nothing else.
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { answerParent } from "../process.ts";
import type { Sample } from "../row.ts";

export interface VerifyJob {
  readonly inFlight: number;
  readonly durationMs: number;
}

async function prepare() {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const jwk = { ...(await exportJWK(publicKey)), kid: "reference", alg: "ES256" };
  const keys = createLocalJWKSet({ keys: [jwk] });
  const claims = { sid: "s", client_id: "gatehouse", scope: "*", roles: ["admin"], amr: ["pwd"], acr: "1", gen: 1 };
  const tokens = await Promise.all(
    Array.from({ length: 500 }, (_, index) =>
      new SignJWT({ ...claims, jti: String(index) })
        .setProtectedHeader({ alg: "ES256", kid: "reference", typ: "at+jwt" })
        .setIssuer("https://gatehouse.localhost")
        .setSubject("prn_0")
        .setAudience("gatehouse")
        .setIssuedAt()
        .setExpirationTime("30m")
        .sign(privateKey),
    ),
  );
  return { keys, tokens };
}

let prepared: Awaited<ReturnType<typeof prepare>> | undefined;

async function run({ inFlight, durationMs }: VerifyJob): Promise<Sample> {
  prepared ??= await prepare();
  const { keys, tokens } = prepared;
  let count = 0;
  const began = performance.now();
  const until = began + durationMs;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (performance.now() < until) {
        await jwtVerify(tokens[count % tokens.length] ?? "", keys, {
          issuer: "https://gatehouse.localhost",
          audience: "gatehouse",
          typ: "at+jwt",
        });
        count += 1;
      }
    }),
  );
  return { rate: count / ((performance.now() - began) / 1000), p50Ms: 0, p99Ms: 0 };
}

answerParent(run);
