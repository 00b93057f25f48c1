// Environment -> frozen Config, or every problem at once, so that an operator mends them in one go.
import { StartRefused } from "../kernel/start-refused.ts";
import { contradictions } from "./contradictions.ts";
import { nearestName } from "./nearest-name.ts";
import { type Config, type SettingKey, settings } from "./schema.ts";
import type { Setting } from "./setting.ts";
import { attemptRead } from "./setting-file.ts";
import { withSettingsFile } from "./settings-file.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadInput {
  readonly env: Environment;
  /** Reads what `<NAME>_FILE` points to; throws when it cannot. */
  readonly readFile: (path: string) => string;
}

export interface InForce {
  /** As an operator would write it; masked when sensitive, empty when unset, absolute when a path. */
  readonly shown: string;
  /** `default`, `environment`, `settings file`, `file PATH` or `unset`. */
  readonly source: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** What is wrong with other values, beside the files that this reading names. */
  readonly contradictionsOf: (values: Config) => readonly string[];
  readonly inForce: { readonly [K in SettingKey]: InForce };
}

export type Reading = { readonly problems: readonly string[] } | LoadedConfig;

interface Found {
  readonly text: string | undefined;
  readonly source: string;
  /** It was given, and wrongly: no default steps in, and no rule is asked about it. */
  readonly broken?: boolean;
}

const broken: Found = { text: undefined, source: "unset", broken: true };

const entries: readonly (readonly [SettingKey, Setting<unknown>])[] = (Object.keys(settings) as SettingKey[]).map(
  (key) => [key, settings[key]],
);

function fileName(setting: Setting<unknown>): string {
  return `${setting.env}_FILE`;
}

const knownNames = entries.flatMap(([, setting]) =>
  setting.visibility === "sensitive" ? [setting.env, fileName(setting)] : [setting.env],
);

/** Names come from outside: what is not a plain name is not repeated to a terminal. */
function printable(name: string): string {
  return name.replace(/[^A-Za-z0-9_]/g, "?").slice(0, 80);
}

function unknownNames(env: Environment): string[] {
  const known = new Set(knownNames);
  const strangers = Object.keys(env).filter((name) => /^GATEHOUSE_/i.test(name) && !known.has(name));
  return strangers.map((name) => {
    const meant = nearestName(name.toUpperCase(), knownNames);
    return `${printable(name)} is no setting${meant === undefined ? "" : `; did you mean ${meant}?`}`;
  });
}

/** Environment and settings file as one. */
interface Given extends LoadInput {
  readonly fromFile: ReadonlySet<string>;
}

function readFromFile(setting: Setting<unknown>, path: string, input: LoadInput, problems: string[]): Found {
  const text = attemptRead(() => input.readFile(path));
  if (text !== undefined && text !== "") return { text, source: `file ${path}` };
  const fault = text === "" ? "an empty file" : "a file that cannot be read";
  problems.push(`${fileName(setting)} points to ${fault}`);
  return broken;
}

/** What was given for one setting. An empty value is a mistake (an unset variable in a template), not a default. */
function find(setting: Setting<unknown>, input: Given, problems: string[]): Found {
  const text = input.env[setting.env];
  const path = setting.visibility === "sensitive" ? input.env[fileName(setting)] : undefined;
  const faults = [
    ...(text === "" ? [`${setting.env} is empty: give it a value or unset it`] : []),
    ...(path === "" ? [`${fileName(setting)} is empty: give it a value or unset it`] : []),
    ...(text !== undefined && path !== undefined ? [`${setting.env} and ${fileName(setting)} are both set`] : []),
  ];
  problems.push(...faults);
  if (faults.length > 0) return broken;
  if (path !== undefined) return readFromFile(setting, path, input, problems);
  if (text === undefined) return { text, source: "unset" };
  return { text, source: input.fromFile.has(setting.env) ? "settings file" : "environment" };
}

function fromDefault(setting: Setting<unknown>, text: (env: string) => string | undefined): Found {
  const value = typeof setting.default === "object" ? setting.default.from(text) : setting.default;
  return { text: value, source: value === undefined ? "unset" : "default" };
}

/** Plain defaults first, then those that follow another setting. */
function withDefaults(given: ReadonlyMap<string, Found>): ReadonlyMap<string, Found> {
  const settled = new Map(given);
  const follows = (setting: Setting<unknown>) => typeof setting.default === "object";
  const inOrder = [...entries].sort(([, one], [, other]) => Number(follows(one)) - Number(follows(other)));
  for (const [, setting] of inOrder) {
    const found = given.get(setting.env);
    if (found?.text !== undefined || found?.broken) continue;
    settled.set(
      setting.env,
      fromDefault(setting, (env) => settled.get(env)?.text),
    );
  }
  return settled;
}

type Values = Partial<Record<SettingKey, unknown>>;

function parseAll(settled: ReadonlyMap<string, Found>, problems: string[]): Values {
  const values: Values = {};
  for (const [key, setting] of entries) {
    const found = settled.get(setting.env) ?? broken;
    if (found.broken) continue;
    const parsed =
      found.text === undefined ? ({ ok: true, value: undefined } as const) : setting.kind.parse(found.text);
    if (parsed.ok) values[key] = parsed.value;
    else if (found.source !== "default") problems.push(`${setting.env} is not right: expected ${parsed.expected}`);
  }
  return values;
}

function findContradictions(values: Values, given: Environment): string[] {
  const fileOf = (env: string) => given[`${env}_FILE`];
  return contradictions
    .filter((rule) => rule.about.every((key) => key in values))
    .filter((rule) => rule.when(values as Config, fileOf))
    .map((rule) => rule.say);
}

function shown(setting: Setting<unknown>, value: unknown, text: string | undefined): string {
  if (text === undefined) return "";
  if (setting.visibility === "sensitive") return "[set]";
  return typeof value === "string" ? value : text;
}

function describeAll(values: Values, settled: ReadonlyMap<string, Found>): LoadedConfig["inForce"] {
  const rows = entries.map(([key, setting]) => {
    const found = settled.get(setting.env) ?? broken;
    return [key, { shown: shown(setting, values[key], found.text), source: found.source }] as const;
  });
  return Object.fromEntries(rows) as LoadedConfig["inForce"];
}

const sensitiveNames = entries.flatMap(([, setting]) => (setting.visibility === "sensitive" ? [setting.env] : []));

function givenBy(input: LoadInput, problems: string[]): Given {
  const known = new Set(knownNames);
  const text = withSettingsFile({ ...input, known, sensitive: new Set(sensitiveNames) });
  problems.push(...text.problems);
  return { ...input, env: text.env, fromFile: text.fromFile };
}

export function readSettings(from: LoadInput): Reading {
  const problems = unknownNames(from.env);
  const input = givenBy(from, problems);
  const given = new Map(entries.map(([, setting]) => [setting.env, find(setting, input, problems)]));
  const settled = withDefaults(given);
  const values = parseAll(settled, problems);
  problems.push(...findContradictions(values, input.env));
  if (problems.length > 0) return { problems };
  const contradictionsOf = (others: Config) => findContradictions(others, input.env);
  return { config: Object.freeze(values) as Config, contradictionsOf, inForce: describeAll(values, settled) };
}

/** Throws StartRefused with one line for each problem. */
export function loadConfig(input: LoadInput): LoadedConfig {
  const reading = readSettings(input);
  if ("config" in reading) return reading;
  const { problems } = reading;
  const [first] = problems;
  if (problems.length === 1 && first !== undefined) throw new StartRefused(first);
  throw new StartRefused(
    `${problems.length} settings are not right\n${problems.map((line) => `  - ${line}`).join("\n")}`,
  );
}
