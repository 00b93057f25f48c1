// Paths of Vault: safe as they are, so that nothing is ever encoded, normalised or guessed; and what may be said of one.

const safeName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,255}$/;
const longestPath = 1024;

/** Throws TypeError before a byte is sent: a name with `..`, `/`, `?`, `%` or a space in it would ask for something else. */
export function requireSafePath(path: string): void {
  const safe = path.length <= longestPath && path.split("/").every((name) => safeName.test(name));
  // Not repeated: whoever got this far with it may have been an attacker.
  if (!safe) throw new TypeError("a path of vault has a name that is not safe");
}

/** Words of Vault's API. Every other segment after the first, the mount, is somebody's name for something. */
const words = new Set(
  (
    "auth sys login token lookup-self renew-self revoke-self health mounts policies acl role role-id secret-id approle " +
    "kubernetes keys sign verify encrypt decrypt rewrap datakey hmac rotate trim config data metadata delete undelete destroy random"
  ).split(" "),
);

/** For errors, log lines and metrics: `transit/sign/:name`. */
export function templateOf(path: string): string {
  return path
    .split("/")
    .map((name, index) => (index === 0 || words.has(name) ? name : ":name"))
    .join("/");
}

/** What Transit only computes. The same call may be made again when nobody knows whether the first one arrived. */
const computing = /\/(sign|verify|encrypt|decrypt|rewrap|hmac)\/[^/]+(\/[^/]+)?$/;

export function changesNothing(path: string): boolean {
  return computing.test(path);
}
