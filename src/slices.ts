// The four slices and what they get of each other. Slices never import slices; they meet here.

import { createCredentialChecks } from "./auth/credential-checks.ts";
import { createClientPrincipals } from "./auth/known-clients/client-principals.ts";
import { createKnownClients } from "./auth/known-clients/known-clients.ts";
import { createDisplayNames } from "./auth/person/display-names.ts";
import { createAuthSlice } from "./auth/slice.ts";
import { generations } from "./auth/standing/generations.ts";
import { createStandings } from "./auth/standing/standings.ts";
import type { Config } from "./config/schema.ts";
import { createContracts } from "./contracts.ts";
import type { Foundation } from "./foundation.ts";
import type { AccessConditions } from "./kernel/access-rule.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Observer } from "./kernel/observer.ts";
import type { WorkloadIssuers } from "./kernel/ports.ts";
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
  readonly issuers: WorkloadIssuers | undefined;
}

export function createSlices(
  foundation: Foundation,
  feed: FeedTail,
  { config, clock, logger, telemetry, access, issuers }: SliceOptions,
) {
  const { database, keys, audit, unitOfWork } = foundation;
  const { reader } = database;
  const { metrics, tracer } = telemetry;
  const { macs, sealer, pageTokens } = keys;
  const standings = createStandings({ reader, freshness: feed, clock });
  const clients = createKnownClients({ reader, writer: database.writer, freshness: feed, macs });
  const machines = createCredentialChecks({
    reader,
    writer: database.writer,
    macs,
    standings,
    freshness: feed,
    issuers,
  });
  const token = createTokenSlice({
    reader,
    writer: database.writer,
    machines,
    displayNames: createDisplayNames({ reader, subjectKeys: keys.subjects }),
    signingKeys: keys.signingKeys,
    pageTokens,
    macs,
    subjectKeys: keys.subjects,
    standings,
    clients,
    freshness: feed,
    feed,
    generations,
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
    clients,
    machines,
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
  const callingClients = createClientPrincipals({ clients, standings });
  return { audit, auth, token, secrets, standings, machines, callingClients };
}

export type Slices = ReturnType<typeof createSlices>;
