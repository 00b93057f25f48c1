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

/** At least one, and none that stands for others: proofs are bound to exactly these. */
export const ownOrigins: Kind<ReadonlySet<string>> = kind(
  "origins such as `https://gatehouse.example` with commas, as browsers send them",
  (text) => {
    const words = text.split(",").map((word) => word.trim());
    return words.every((word) => word !== "null" && isOrigin(word)) ? new Set(words) : undefined;
  },
);

/** Of a URL that has been checked, or will be refused elsewhere. */
export function originOf(url: string | undefined): string | undefined {
  return url !== undefined && URL.canParse(url) ? new URL(url).origin : undefined;
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** RFC 8414 section 2 has every endpoint under https; on one's own machine there is nobody in between. No slash at its end. */
export const ownUrl: Kind<string> = kind("https URL without user, query or fragment; http on loopback", (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.username !== "" || url.password !== "" || /[?#\\]/.test(text)) return undefined;
  const safe = url.protocol === "https:" || (url.protocol === "http:" && loopback.test(url.hostname));
  return safe && /^[\x21-\x7e]{1,2048}$/.test(text) ? url.href.replace(/\/+$/, "") : undefined;
});
