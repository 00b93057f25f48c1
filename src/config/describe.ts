// What `gatehouse config` prints: every setting in force and where it comes from, sensitive values masked.
import type { LoadedConfig } from "./load.ts";
import { type SettingKey, settings } from "./schema.ts";
import type { Setting } from "./setting.ts";

export interface DescribedSetting {
  readonly env: string;
  readonly value: string;
  readonly source: string;
}

export function describeConfig({ inForce }: LoadedConfig): readonly DescribedSetting[] {
  return (Object.keys(settings) as SettingKey[]).map((key) => {
    const setting: Setting<unknown> = settings[key];
    return { env: setting.env, value: inForce[key].shown, source: inForce[key].source };
  });
}

/** Rows as a table for a terminal, columns padded. */
export function renderConfig(rows: readonly DescribedSetting[]): string {
  const wide = (pick: (row: DescribedSetting) => string) => Math.max(...rows.map((row) => pick(row).length));
  const name = wide((row) => row.env);
  const value = wide((row) => row.value);
  return rows.map((row) => `${row.env.padEnd(name)}  ${row.value.padEnd(value)}  ${row.source}`.trimEnd()).join("\n");
}
