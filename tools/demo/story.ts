// The story: a person is invited, registers, is granted and denied, opens secrets, carries tokens, leaves; and all of it
// is in the audit trail.
import { randomBytes } from "node:crypto";
import type { Gatehouse } from "../../clients/typescript/src/index.ts";
import { tellTrail } from "./audit-trail.ts";
import type { Narrator } from "./narrator.ts";
import { tellArrival } from "./person.ts";
import { tellSecrets } from "./secrets.ts";
import { tellTokens } from "./tokens.ts";

export interface Stage {
  readonly address: string;
  /** Calls without a credential. */
  readonly visitor: Gatehouse;
  readonly administrator: Gatehouse;
  readonly narrator: Narrator;
}

/** A stage of its own for each run, so that the demo can be run again on the same server. */
export interface Run extends Stage {
  readonly loginName: string;
  /** Path of this run's secrets. */
  readonly folder: string;
}

export async function tellStory(stage: Stage): Promise<void> {
  const name = randomBytes(4).toString("hex");
  const run: Run = { ...stage, loginName: `demo-person-${name}`, folder: `demo/${name}` };
  const { person, principalId, tokens } = await tellArrival(run);
  await using _ = person;
  await tellSecrets(run, person, principalId);
  await tellTokens(run, person, tokens);
  await tellTrail(run, principalId);
}
