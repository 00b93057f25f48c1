// The settings file: NAME=VALUE lines beside the environment, so that settings can change while the process runs, whose
// environment cannot.
import { attemptRead } from "./setting-file.ts";

const settingsFileName = "GATEHOUSE_SETTINGS_FILE";

export interface SettingsText {
  /** Environment and file together. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The names that the file gave. */
  readonly fromFile: ReadonlySet<string>;
  readonly problems: readonly string[];
}

export interface SettingsTextInput {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly readFile: (path: string) => string;
  /** Every name that may stand in the file. */
  readonly known: ReadonlySet<string>;
  /** Those whose value must not: it has a file of its own. */
  readonly sensitive: ReadonlySet<string>;
}

/** Names only: a line may hold a pasted password. */
function lineProblem(line: string, number: number, input: SettingsTextInput, seen: ReadonlyMap<string, string>) {
  const name = line.slice(0, Math.max(line.indexOf("="), 0)).trim();
  const place = `line ${number} of ${settingsFileName}`;
  if (!/^[A-Z][A-Z0-9_]*$/.test(name)) return `${place} is no NAME=VALUE`;
  if (name === settingsFileName || !input.known.has(name)) return `${place} names no setting`;
  if (input.sensitive.has(name)) return `${name} is sensitive: name a file of its own with ${name}_FILE`;
  if (seen.has(name)) return `${name} stands twice in ${settingsFileName}`;
  return input.env[name] === undefined ? undefined : `${name} is set in the environment and in ${settingsFileName}`;
}

function parse(text: string, input: SettingsTextInput): SettingsText {
  const values = new Map<string, string>();
  const problems: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const problem = lineProblem(line, index + 1, input, values);
    if (problem !== undefined) problems.push(problem);
    else values.set(line.slice(0, line.indexOf("=")).trim(), line.slice(line.indexOf("=") + 1).trim());
  }
  return { env: { ...input.env, ...Object.fromEntries(values) }, fromFile: new Set(values.keys()), problems };
}

/** An empty name is the loader's to refuse, as with every setting. */
export function withSettingsFile(input: SettingsTextInput): SettingsText {
  const path = input.env[settingsFileName];
  if (path === undefined || path === "") return { env: input.env, fromFile: new Set(), problems: [] };
  const text = attemptRead(() => input.readFile(path));
  if (text !== undefined) return parse(text, input);
  const problem = `${settingsFileName} points to a file that cannot be read`;
  return { env: input.env, fromFile: new Set(), problems: [problem] };
}
