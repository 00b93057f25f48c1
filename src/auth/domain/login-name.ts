// Which login names may be taken. How they are compared is kernel/login-name.ts.
import { normaliseLoginName } from "../../kernel/login-name.ts";

const longest = 128;

/** Control, format, unassigned and private characters, surrogates, and separators other than the plain space. */
const unfit = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** Why a name cannot be taken, as a phrase for the violation; undefined when it can. */
export function loginNameFault(loginName: string): string | undefined {
  if (unfit.test(loginName)) return "must not hold control, invisible or unassigned characters";
  const normalised = normaliseLoginName(loginName);
  // Compatibility characters such as U+FDFA become many.
  if ([...normalised].length > longest) return `must have at most ${longest} characters after normalisation`;
  if (normalised === "" || normalised !== normalised.trim()) return "must not be empty, or begin or end with a space";
  return undefined;
}
