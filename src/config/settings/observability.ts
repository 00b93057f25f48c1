// What Gatehouse tells of itself.
import * as is from "../kinds.ts";
import { setting } from "../setting.ts";

export const observability = {
  logLevel: setting({
    env: "GATEHOUSE_LOG_LEVEL",
    kind: is.oneOf("debug", "info", "warn", "error"),
    default: "info",
    doc: "Log lines (JSON on stderr) of this level and above.",
  }),
} as const;
