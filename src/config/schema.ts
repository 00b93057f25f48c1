// The one table of settings. docs/settings.md is generated from it, `gatehouse config` prints it, load.ts reads it;
// a setting that is not here does not exist, and its name refuses to start.
import type { Setting } from "./setting.ts";
import { access } from "./settings/access.ts";
import { connections } from "./settings/connections.ts";
import { limits } from "./settings/limits.ts";
import { listening } from "./settings/listening.ts";
import { observability } from "./settings/observability.ts";
import { passwords } from "./settings/passwords.ts";
import { storage } from "./settings/storage.ts";
import { tls } from "./settings/tls.ts";
import { tokens } from "./settings/tokens.ts";
import { vault } from "./settings/vault.ts";
import { web } from "./settings/web.ts";

export const settings = {
  ...listening,
  ...web,
  ...tls,
  ...storage,
  ...vault,
  ...access,
  ...tokens,
  ...passwords,
  ...limits,
  ...connections,
  ...observability,
} as const;

export type SettingKey = keyof typeof settings;

type ValueOf<S> = S extends Setting<infer T, infer Optional> ? (Optional extends true ? T | undefined : T) : never;

export type Config = { readonly [K in SettingKey]: ValueOf<(typeof settings)[K]> };
