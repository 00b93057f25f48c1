// What Introspect needs for the tokens of one batch, read for all of them at once: refresh tokens always, since the database alone
// knows them, and access tokens where it is to be asked about each.
import { refreshTokenPrefix } from "../domain/refresh-token.ts";
import type { Finding, Liveness } from "../liveness.ts";
import type { VerifiedToken, Verifier } from "../verifier.ts";
import type { IntrospectDeps } from "./introspect.ts";
import type { IntrospectedRefresh, RefreshIntrospection } from "./introspect-refresh.ts";

export interface KnownBatchDeps {
  readonly verifier: Verifier;
  readonly liveness: Liveness;
  readonly refreshIntrospection: RefreshIntrospection;
}

/** Answers from what it found, without asking anybody again. */
export type KnownBatch = Pick<IntrospectDeps, "verifier" | "liveness" | "refreshIntrospection">;

/** Signatures first, then one statement. Errors: DATABASE_UNAVAILABLE. */
async function readAccessTokens({ verifier, liveness }: KnownBatchDeps, texts: readonly string[], now: Date) {
  const verifying = new Map(
    texts.map((text) => {
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
      known: (text: string) => verified.get(text),
      verify: (text: string) => verifying.get(text) ?? verifier.verify(text, now),
    },
    liveness: { check, checkStrongly: check },
  };
}

export function isRefreshToken(text: string): boolean {
  return text.startsWith(refreshTokenPrefix);
}

/** `strong`: the access tokens, too. Errors: DATABASE_UNAVAILABLE. */
export async function readBatch(
  deps: KnownBatchDeps,
  given: readonly string[],
  strong: boolean,
  now: Date,
): Promise<KnownBatch> {
  const { verifier, liveness, refreshIntrospection } = deps;
  const texts = [...new Set(given)];
  const refreshTokens = texts.filter(isRefreshToken);
  const others = texts.filter((text) => !isRefreshToken(text));
  const [access, refresh] = await Promise.all([
    strong ? readAccessTokens(deps, others, now) : { verifier, liveness },
    refreshTokens.length === 0
      ? new Map<string, IntrospectedRefresh>()
      : refreshIntrospection.readAll(refreshTokens, now),
  ]);
  const read = async (token: string) => refresh.get(token) ?? (await refreshIntrospection.read(token, now));
  return { ...access, refreshIntrospection: { read } };
}
