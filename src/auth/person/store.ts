// The SQL of what a person is called.
import type { Reader, Row, Statement } from "../../kernel/database.ts";

interface ProfileRow extends Row {
  readonly profile: Buffer;
}

const findProfileStatement: Statement = {
  name: "auth.person_profile",
  text: "select profile from person where principal_id = $1",
};

/** Sealed under the key of the person. Undefined = no such person. */
export async function findProfile(reader: Reader, principalId: string): Promise<Buffer | undefined> {
  const [row] = await reader.rows<ProfileRow>(findProfileStatement, [principalId]);
  return row?.profile;
}
