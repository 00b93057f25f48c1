// What every answer of the web door carries, errors and unknown paths included (OWASP REST Security cheat sheet).
import type { WebResponse } from "./message.ts";

const always = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  // The filter that it once switched on is itself a hole; 0 is what OWASP asks for.
  "x-xss-protection": "0",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
} as const;

/** RFC 6797; browsers ignore it over plaintext, so it goes out over TLS only. */
const strictTransport = { "strict-transport-security": "max-age=31536000" } as const;

export function securityHeaders(encrypted: boolean): Readonly<Record<string, string>> {
  return encrypted ? { ...always, ...strictTransport } : always;
}

export function setHeaders(response: WebResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}
