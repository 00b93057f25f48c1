// Sealing under the installation's data key of a purpose. The sealed bytes begin with the key version (four bytes, big
// endian), which is authenticated: it chooses among our own keys of that purpose and nothing else.
import type { InstallationSealer } from "../kernel/sealing.ts";
import { purposeData } from "./bindings.ts";
import { open, sealedOverhead, sealInto } from "./committing-aead.ts";
import { dataCorrupt } from "./failures.ts";
import type { KeyRing } from "./installation-keys.ts";

const versionBytes = 4;

export function createInstallationSealer(installationId: string, ring: KeyRing): InstallationSealer {
  return {
    currentVersion: (purpose) => ring.current(purpose),
    seal(purpose, binding, plaintext) {
      const version = ring.current(purpose);
      const key = ring.sealKey(purpose, version);
      if (key === undefined) throw new Error("the current key is missing");
      const data = purposeData(installationId, purpose, version, binding);
      const sealed = Buffer.allocUnsafe(versionBytes + sealedOverhead + plaintext.byteLength);
      sealed.writeUInt32BE(version);
      sealInto(sealed.subarray(versionBytes), key, data, plaintext);
      return sealed;
    },
    open(purpose, binding, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const version = bytes.length < versionBytes ? 0 : bytes.readUInt32BE();
      const key = ring.sealKey(purpose, version);
      if (key === undefined) throw dataCorrupt();
      const data = purposeData(installationId, purpose, version, binding);
      const plaintext = open(key, data, bytes.subarray(versionBytes));
      if (plaintext === undefined) throw dataCorrupt();
      return plaintext;
    },
  };
}
