// The SQL of proofs that were used, which all replicas share.
import type { LoneWriter, Row, Statement } from "../../kernel/database.ts";

const takeStatement: Statement = {
  name: "token.dpop_take",
  text: "insert into used_proof (proof_hash, expires_at) values ($1, $2) on conflict (proof_hash) do nothing returning 1",
};

const sweepStatement: Statement = {
  name: "token.dpop_sweep",
  text: "delete from used_proof where expires_at <= $1",
};

/** False when it was used before. Of all that use it at once, one is told true. */
export async function takeProof(writer: LoneWriter, proofHash: Buffer, expiresAt: Date): Promise<boolean> {
  const rows = await writer.write<Row>(takeStatement, [proofHash, expiresAt.toISOString()]);
  return rows.length === 1;
}

export async function sweepProofs(writer: LoneWriter, now: Date): Promise<void> {
  await writer.write(sweepStatement, [now.toISOString()]);
}
