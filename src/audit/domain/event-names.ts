// First segments of Gatehouse's own event names (docs/events.md). No application may speak under one of them: a
// `secret.read` that an application made up would pass for ours at a glance.

const ownSegments: ReadonlySet<string> = new Set([
  "account",
  "apikey",
  "audit",
  "authn",
  "authz",
  "client",
  "client",
  "config",
  "gatehouse",
  "invitation",
  "key",
  "secret",
  "session",
  "system",
  "token",
  "user",
  "workload",
]);

export function isReservedSource(source: string): boolean {
  return ownSegments.has(source);
}
