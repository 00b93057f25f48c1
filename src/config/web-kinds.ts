// Forms of the web door's settings.
import { type Kind, kind, type ListenAddress, listen } from "./kinds.ts";

export const doorOrOff: Kind<ListenAddress | "off"> = kind(`${listen.form}, or \`off\``, (text) => {
  if (text === "off") return text;
  const parsed = listen.parse(text);
  return parsed.ok ? parsed.value : undefined;
});

/** As browsers send it: no path, no default port, lower case. Anything else would match no request. */
function isOrigin(text: string): boolean {
  if (text === "null") return true;
  return /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

export const origins: Kind<ReadonlySet<string>> = kind(
  "`none`, `*`, or origins such as `https://app.example` with commas, as browsers send them (`null` for pages without one)",
  (text) => {
    if (text === "none") return new Set();
    if (text === "*") return new Set(["*"]);
    const words = text.split(",").map((word) => word.trim());
    return words.every(isOrigin) ? new Set(words) : undefined;
  },
);
