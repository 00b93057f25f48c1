// What a person is called, as it is sealed under the person's key.
import type { Binding, SubjectKeys } from "../../kernel/sealing.ts";

export interface Profile {
  readonly loginName: string;
  readonly displayName: string;
}

/** The key was erased, and with it what the person was called. */
const nameless: Profile = { loginName: "", displayName: "" };

export function profileBinding(principalId: string): Binding {
  return { kind: "person.profile", id: principalId };
}

export function encodeProfile({ loginName, displayName }: Profile): Uint8Array {
  return Buffer.from(JSON.stringify({ login_name: loginName, display_name: displayName }));
}

/** Errors: KEYS_UNAVAILABLE, DATA_CORRUPT. */
export async function openProfile(
  subjectKeys: Pick<SubjectKeys, "open">,
  principalId: string,
  sealed: Buffer,
): Promise<Profile> {
  const opened = await subjectKeys.open(principalId, profileBinding(principalId), sealed);
  if (opened === undefined) return nameless;
  const { login_name: loginName = "", display_name: displayName = "" } = JSON.parse(opened.toString()) as {
    readonly login_name?: string;
    readonly display_name?: string;
  };
  return { loginName, displayName };
}
