// Forms of the settings about Vault.
import { Secret } from "../kernel/secret.ts";
import { type Kind, kind } from "./kinds.ts";

/** Origin alone, so that nothing can be added to or hidden in the paths that are asked. */
export const vaultAddress: Kind<string> = kind("`https://host:port`, or `http://` on this machine", (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const bare = url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  const right = bare && url.pathname === "/" && !/[?#\s]/.test(text) && text.length <= 2048;
  return right ? url.origin : undefined;
});

/** Names joined by `/`, as they stand in Vault's paths: never `..`, never anything that would have to be encoded. */
const names = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}(\/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}){0,7}$/;

/** `/` at either end is a habit of Vault's own output. */
export const vaultPath: Kind<string> = kind("names such as `team/transit`, without `/` around them", (text) => {
  const inner = text.replace(/^\/|\/$/g, "");
  return names.test(inner) ? inner : undefined;
});

export const vaultName: Kind<string> = kind("name of letters, digits, `.`, `_` and `-`", (text) =>
  /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(text) ? text : undefined,
);

/** It becomes a header: what is not visible ASCII could end it and begin another. */
export const vaultToken: Kind<Secret<string>> = kind("token of visible ASCII characters", (text) =>
  /^[\x21-\x7e]{1,65536}$/.test(text) ? new Secret(text) : undefined,
);
