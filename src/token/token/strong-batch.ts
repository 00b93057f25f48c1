// What Introspect needs for tokens of one batch when the database is to be asked about each: their signatures are verified first,
// then one statement asks about all of them.
import { refreshTokenPrefix } from "../domain/refresh-token.ts";
import type { Finding, Liveness } from "../liveness.ts";
import type { VerifiedToken, Verifier } from "../verifier.ts";
import type { IntrospectDeps } from "./introspect.ts";

export interface StrongBatchDeps {
  readonly verifier: Verifier;
  readonly liveness: Pick<Liveness, "checkAllStrongly">;
}

type Known = Pick<IntrospectDeps, "verifier" | "liveness">;

/** Answers from what it found, without asking anybody again. Errors: DATABASE_UNAVAILABLE. */
export async function readStrongBatch(deps: StrongBatchDeps, texts: readonly string[], now: Date): Promise<Known> {
  const { verifier, liveness } = deps;
  const accessTokens = [...new Set(texts)].filter((text) => !text.startsWith(refreshTokenPrefix));
  const verifying = new Map(
    accessTokens.map((text) => {
      const known = verifier.known(text);
      return [text, known === undefined ? verifier.verify(text, now) : Promise.resolve(known)] as const;
    }),
  );
  const verified = new Map<string, VerifiedToken>();
  const collect = async ([text, verification]: readonly [string, Promise<VerifiedToken>]) => {
    // What is wrong with a token is told where it is judged.
    const token = await verification.catch(() => undefined);
    if (token !== undefined) verified.set(text, token);
  };
  await Promise.all([...verifying].map(collect));
  const tokens = [...verified.values()];
  const findings = tokens.length === 0 ? [] : await liveness.checkAllStrongly(tokens, now);
  const found = new Map(tokens.map((token, index) => [token, findings[index] ?? "TOKEN_REVOKED"] as const));
  const check = async (token: VerifiedToken): Promise<Finding> => found.get(token) ?? "TOKEN_REVOKED";
  return {
    verifier: {
      known: (text) => verified.get(text),
      verify: (text) => verifying.get(text) ?? verifier.verify(text, now),
    },
    liveness: { check, checkStrongly: check },
  };
}
