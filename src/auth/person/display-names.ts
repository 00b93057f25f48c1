// What people are called, for the access tokens of clients that ask for it (J-02). Opened each time: nobody's name is kept in memory.
import type { Reader } from "../../kernel/database.ts";
import type { DisplayNames } from "../../kernel/ports.ts";
import type { SubjectKeys } from "../../kernel/sealing.ts";
import { findProfile } from "./store.ts";

export function createDisplayNames(deps: { readonly reader: Reader; readonly subjectKeys: SubjectKeys }): DisplayNames {
  const { reader, subjectKeys } = deps;
  return {
    async of(principalId) {
      const sealed = await findProfile(reader, principalId);
      if (sealed === undefined) return undefined;
      const profile = await subjectKeys.open(principalId, { kind: "person.profile", id: principalId }, sealed);
      if (profile === undefined) return undefined;
      const { display_name: name } = JSON.parse(profile.toString()) as { readonly display_name?: string };
      return name === "" ? undefined : name;
    },
  };
}
