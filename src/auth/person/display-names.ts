// What people are called, for the access tokens of clients that ask for it (J-02). Opened each time: nobody's name is kept in memory.
import type { Reader } from "../../kernel/database.ts";
import type { DisplayNames } from "../../kernel/ports.ts";
import type { SubjectKeys } from "../../kernel/sealing.ts";
import { openProfile } from "./profile.ts";
import { findProfile } from "./store.ts";

export function createDisplayNames(deps: { readonly reader: Reader; readonly subjectKeys: SubjectKeys }): DisplayNames {
  const { reader, subjectKeys } = deps;
  return {
    async of(principalId) {
      const sealed = await findProfile(reader, principalId);
      if (sealed === undefined) return undefined;
      const { displayName } = await openProfile(subjectKeys, principalId, sealed);
      return displayName === "" ? undefined : displayName;
    },
  };
}
