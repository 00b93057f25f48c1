// SQL of what a session leaves to the one that takes its place.
import type { Reader, Row, Statement } from "../../kernel/database.ts";

const deviceStatement: Statement = {
  name: "token.session_device",
  text: "select device from session where id = $1",
};

/** Sealed under the key of the person. Undefined = no such session. */
export async function findDevice(reader: Reader, sessionId: string): Promise<Buffer | undefined> {
  const [row] = await reader.rows<Row & { readonly device: Buffer }>(deviceStatement, [sessionId]);
  return row?.device;
}
