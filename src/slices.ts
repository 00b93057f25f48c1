// The four slices and what they get of each other. Slices never import slices; they meet here.
import { createAuthSlice } from "./auth/slice.ts";
import { createStandings } from "./auth/standing/standings.ts";
import type { Config } from "./config/schema.ts";
import { createContracts } from "./contracts.ts";
import type { Foundation } from "./foundation.ts";
import type { AccessConditions } from "./kernel/access-rule.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Observer } from "./kernel/observer.ts";
import type { FeedTail } from "./postgres/feed.ts";
import { createSecretsSlice } from "./secrets/slice.ts";
import { authSettings, secretsSettings, tokenSettings } from "./settings.ts";
import { createTokenSlice } from "./token/slice.ts";

interface SliceOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly telemetry: Observer;
  readonly access: AccessConditions;
}

export function createSlices(
  foundation: Foundation,
  feed: FeedTail,
  { config, clock, logger, telemetry, access }: SliceOptions,
) {
  const { database, keys, audit, unitOfWork } = foundation;
  const { reader } = database;
  const { metrics, tracer } = telemetry;
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
    metrics,
    tracer,
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
    contracts: createContracts(),
    access,
    metrics,
    tracer,
  });
  const secrets = createSecretsSlice({
    settings: secretsSettings(config),
    reader,
    values: keys.values,
    pageTokens,
    ownership: auth.ownership,
  });
  return { audit, auth, token, secrets, standings };
}

export type Slices = ReturnType<typeof createSlices>;
