// What a session remembers of its device: personal data, in the database only sealed under its subject's key.
import type { Binding, SubjectKeys } from "../kernel/sealing.ts";

export interface Device {
  readonly name: string;
  readonly address: string;
  readonly userAgent: string;
}

/** The key was erased: the session goes on without a face. */
const faceless: Device = { name: "", address: "", userAgent: "" };

/** What `sealDevice` of Sessions.prepare must bind to, too. */
function deviceBinding(sessionId: string): Binding {
  return { kind: "session.device", id: sessionId };
}

export function encodeDevice(device: Device): Uint8Array {
  return Buffer.from(JSON.stringify(device), "utf8");
}

export async function sealDevice(
  subjects: SubjectKeys,
  principalId: string,
  sessionId: string,
  device: Uint8Array,
): Promise<Buffer> {
  return (await subjects.seal(principalId, deviceBinding(sessionId), device)).sealed;
}

export async function openDevice(
  subjects: SubjectKeys,
  principalId: string,
  session: { readonly id: string; readonly device: Buffer },
): Promise<Device> {
  const bytes = await subjects.open(principalId, deviceBinding(session.id), session.device);
  return bytes === undefined ? faceless : (JSON.parse(bytes.toString("utf8")) as Device);
}
