// The four slices and what they get of each other. Slices never import slices; they meet here.
import { createAuthSlice } from "./auth/slice.ts";
import { createStandings } from "./auth/standing/standings.ts";
import type { Config } from "./config/schema.ts";
import type { Foundation } from "./foundation.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import type { FeedTail } from "./postgres/feed.ts";
import { createSecretsSlice } from "./secrets/slice.ts";
import { authSettings, secretsSettings, tokenSettings } from "./settings.ts";
import { createTokenSlice } from "./token/slice.ts";

interface SliceOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
}

export function createSlices(foundation: Foundation, feed: FeedTail, { config, clock, logger }: SliceOptions) {
  const { database, keys, audit, unitOfWork } = foundation;
  const { reader } = database;
  const { macs, sealer, pageTokens } = keys;
  const standings = createStandings({ reader, freshness: feed, clock });
  const token = createTokenSlice({
    reader,
    signer: keys.signer,
    macs,
    subjectKeys: keys.subjects,
    standings,
    freshness: feed,
    settings: tokenSettings(config),
  });
  const auth = createAuthSlice({
    settings: authSettings(config),
    reader,
    unitOfWork,
    macs,
    sealer,
    subjectKeys: keys.subjects,
    pageTokens,
    sessions: token.sessions,
    standings,
    logger,
  });
  const secrets = createSecretsSlice({
    settings: secretsSettings(config),
    reader,
    values: keys.values,
    pageTokens,
    ownership: auth.ownership,
  });
  return { audit, auth, token, secrets };
}

export type Slices = ReturnType<typeof createSlices>;
