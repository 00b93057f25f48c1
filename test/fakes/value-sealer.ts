// Seals values so that they hide nothing, but open only where they belong, as the real ones do.
import { GatehouseError } from "../../src/kernel/errors.ts";
import type { Binding, ValueSealer } from "../../src/kernel/sealing.ts";

const label = ({ kind, id, version }: Binding) => Buffer.from(`${kind}|${id}|${version ?? ""}|`);

export const fakeValueSealer: ValueSealer = {
  async seal(binding, plaintext) {
    return {
      sealed: Buffer.concat([label(binding), plaintext]),
      wrappedKey: Buffer.from("key"),
      kekId: "fake",
      kekVersion: 1,
    };
  },
  async open(binding, { sealed }) {
    const expected = label(binding);
    if (!sealed.subarray(0, expected.length).equals(expected)) throw new GatehouseError("DATA_CORRUPT");
    return sealed.subarray(expected.length);
  },
};
