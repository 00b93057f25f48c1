// The clusters whose service account tokens are believed. A token is verified here and not by the cluster's TokenReview, so
// nothing but its keys is ever asked of the cluster, and that is as late as the token's own end in learning of a deleted pod.
import { GatehouseError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/logger.ts";
import type { WorkloadIssuers } from "../kernel/ports.ts";
import type { NamedFile } from "../tls/files.ts";
import { readIssuers } from "./issuers-file.ts";
import { createKeySet } from "./key-set.ts";
import { hasSignature, readEvidence, readToken } from "./token.ts";

export interface IssuersDeps {
  readonly file: NamedFile;
  /** Of issuers that name none of their own. */
  readonly audience: string;
  readonly logger: Logger;
}

/** One answer outside; the trail learns which way it was. */
function refused(auditReason: string): GatehouseError {
  return new GatehouseError("CREDENTIAL_INVALID", { auditReason });
}

/** Throws StartRefused when the file is not right. */
export async function openIssuers({ file, audience, logger }: IssuersDeps): Promise<WorkloadIssuers> {
  const entries = await readIssuers(file, audience);
  const byIssuer = new Map(
    entries.map((entry) => {
      const keys = createKeySet({ issuer: entry.issuer, place: entry.keys, logger });
      return [entry.issuer, { audience: entry.audience, keys }] as const;
    }),
  );
  return {
    knows: (issuer) => byIssuer.has(issuer),
    async verify(text, now) {
      const token = readToken(text);
      if (token === undefined) throw refused("WORKLOAD_TOKEN_MALFORMED");
      const trusted = typeof token.claims.iss === "string" ? byIssuer.get(token.claims.iss) : undefined;
      if (trusted === undefined) throw refused("WORKLOAD_ISSUER_UNKNOWN");
      const key = await trusted.keys.find(token.kid, now).catch((cause: unknown) => {
        throw new GatehouseError("WORKLOAD_ISSUER_UNAVAILABLE", { cause });
      });
      if (key === undefined || !(await hasSignature(token, key))) throw refused("WORKLOAD_TOKEN_SIGNATURE_INVALID");
      const evidence = readEvidence(token.claims, trusted.audience, now);
      if (evidence === undefined) throw refused("WORKLOAD_TOKEN_REFUSED");
      return evidence;
    },
  };
}
