// Seals and macs that hide nothing, but hold what belongs together as the real ones do.
import { createHmac } from "node:crypto";
import { GatehouseError } from "../../src/kernel/errors.ts";
import type { InstallationSealer, Macs } from "../../src/kernel/sealing.ts";

const label = (purpose: string, binding: { kind: string; id: string; version?: number }) =>
  Buffer.from(`${purpose}|${binding.kind}|${binding.id}|${binding.version ?? ""}|`);

export const fakeSealer: InstallationSealer = {
  currentVersion: () => 1,
  seal: (purpose, binding, plaintext) => Buffer.concat([label(purpose, binding), plaintext]),
  open(purpose, binding, sealed) {
    const expected = label(purpose, binding);
    const bytes = Buffer.from(sealed);
    if (!bytes.subarray(0, expected.length).equals(expected)) throw new GatehouseError("DATA_CORRUPT");
    return bytes.subarray(expected.length);
  },
};

function mac(purpose: string, parts: readonly (string | Uint8Array)[]): Buffer {
  const hmac = createHmac("sha256", purpose);
  for (const part of parts) {
    const bytes = Buffer.from(part as Uint8Array);
    hmac.update(`${bytes.length}:`).update(bytes);
  }
  return hmac.digest();
}

export const fakeMacs: Macs = {
  mac: (purpose, parts) => ({ version: 1, value: mac(purpose, parts) }),
  candidates: (purpose, parts) => [{ version: 1, value: mac(purpose, parts) }],
  matches: (purpose, parts, expected) => expected.version === 1 && mac(purpose, parts).equals(expected.value),
};
