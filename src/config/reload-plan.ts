// What a second reading of the settings means for a process that runs: what it takes, what waits for a restart, and what
// is wrong. Nothing is half taken.
import { isDeepStrictEqual } from "node:util";
import { Secret } from "../kernel/secret.ts";
import type { LoadedConfig, Reading } from "./load.ts";
import { type Config, type SettingKey, settings } from "./schema.ts";
import type { Setting } from "./setting.ts";

export interface ReloadPlan {
  /** What will be in force: the running settings, with those that may change while running. */
  readonly config: Config;
  /** Names of what changes. */
  readonly changed: readonly string[];
  /** Names of what changed in the file and needs a restart. */
  readonly waiting: readonly string[];
}

function same(one: unknown, other: unknown): boolean {
  if (one instanceof Secret && other instanceof Secret) return isDeepStrictEqual(one.expose(), other.expose());
  return isDeepStrictEqual(one, other);
}

const keys = Object.keys(settings) as SettingKey[];
const entryOf = (key: SettingKey): Setting<unknown> => settings[key];

/** New values beside old ones may contradict each other although both readings were right by themselves. */
function merge(running: Config, { config, contradictionsOf }: LoadedConfig, changed: readonly SettingKey[]) {
  const merged = { ...running, ...Object.fromEntries(changed.map((key) => [key, config[key]])) };
  return { config: Object.freeze(merged), problems: contradictionsOf(merged) };
}

export function planReload(running: Config, reading: Reading): ReloadPlan | { readonly problems: readonly string[] } {
  if ("problems" in reading) return reading;
  const different = keys.filter((key) => !same(running[key], reading.config[key]));
  const changed = different.filter((key) => entryOf(key).reloadable === true);
  const { config, problems } = merge(running, reading, changed);
  if (problems.length > 0) return { problems };
  const namesOf = (some: readonly SettingKey[]) => some.map((key) => entryOf(key).env);
  return { config, changed: namesOf(changed), waiting: namesOf(different.filter((key) => !changed.includes(key))) };
}
