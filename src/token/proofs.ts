// What a caller must show beside a token, or to get one: a DPoP proof (RFC 9449) or the certificate of its connection (RFC 8705).
import { hash } from "node:crypto";
import type { LoneWriter } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import type { Possession } from "../kernel/handler.ts";
import type { Client } from "../kernel/ports.ts";
import type { Confirmation } from "../kernel/principal.ts";
import type { Macs } from "../kernel/sealing.ts";
import { createVerify } from "../kernel/signatures.ts";
import type { Sweep } from "../kernel/sweep.ts";
import { type Proof, proofLifeMs, proofRefused, proofSkewMs, readProof } from "./domain/dpop-proof.ts";
import { createNonces } from "./dpop/nonces.ts";
import { sweepProofs, takeProof } from "./dpop/store.ts";

export interface DpopSettings {
  /** The names under which callers reach this installation, in the form of origins. */
  readonly origins: ReadonlySet<string>;
  /** Whether proofs must carry a nonce of ours. */
  readonly nonce: boolean;
}

interface Showing {
  readonly possession: Possession;
  readonly now: Date;
}

export interface Proofs {
  /**
   * What a token that the caller asks for is bound to: the key of its proof, or the certificate where the client's settings say
   * so. Undefined = nothing. Errors: PROOF_INVALID, PROOF_NONCE_REQUIRED, DATABASE_UNAVAILABLE.
   */
  confirm(client: Client | undefined, showing: Showing): Promise<Confirmation | undefined>;
  /** The thumbprint of the key that the proof for this token was signed with. Errors as above. */
  check(showing: Showing, accessToken: string | undefined): Promise<string>;
  readonly sweep: Sweep;
}

export interface ProofsDeps {
  readonly macs: Macs;
  /** Used proofs are bookkeeping: nothing is to be audited about them. */
  readonly writer: LoneWriter;
  readonly settings: DpopSettings;
}

const sweepEveryMs = 60_000;
/** Replicas judge by their own clocks. */
const rememberedMs = proofLifeMs + 2 * proofSkewMs;

async function verifies({ key, algorithm, signature, signingInput }: Proof): Promise<boolean> {
  return await createVerify(algorithm, key)(Buffer.from(signingInput, "latin1"), signature);
}

export function createProofs({ macs, writer, settings }: ProofsDeps): Proofs {
  const nonces = createNonces(macs);

  function requireNonce({ nonce }: Proof, now: Date): void {
    if (nonce === undefined ? !settings.nonce : nonces.accepts(nonce, now)) return;
    throw new GatehouseError("PROOF_NONCE_REQUIRED", { metadata: { dpop_nonce: nonces.current(now) } });
  }

  async function check({ possession, now }: Showing, accessToken: string | undefined): Promise<string> {
    const { proofs, httpMethod, path } = possession;
    const proof = readProof(proofs, { httpMethod, path, origins: settings.origins, accessToken, now });
    if (!(await verifies(proof))) throw proofRefused("PROOF_SIGNATURE_WRONG");
    requireNonce(proof, now);
    // Last, so that nobody uses up what they could not have shown.
    const used = hash("sha256", `${proof.thumbprint}.${proof.id}`, "buffer");
    const fresh = await takeProof(writer, used, new Date(now.getTime() + rememberedMs));
    if (!fresh) throw proofRefused("PROOF_USED");
    return proof.thumbprint;
  }

  return {
    check,
    async confirm(client, showing) {
      const { proofs, certificate } = showing.possession;
      if (proofs.length > 0) return { kind: "key", thumbprint: await check(showing, undefined) };
      if (client?.senderConstraint !== "mtls" || certificate === undefined) return undefined;
      return { kind: "certificate", thumbprint: certificate.thumbprint };
    },
    sweep: { name: "token.forget_used_proofs", everyMs: sweepEveryMs, run: (now) => sweepProofs(writer, now) },
  };
}
