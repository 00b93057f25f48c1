// The contract of limits, shown for the fake that the unit tests count with.
import { createFakeLimitStore } from "../../fakes/limit-store.ts";
import { limitStoreContract } from "./limit-store.ts";

limitStoreContract(() => {
  const counts = new Map();
  return { store: createFakeLimitStore(counts), other: createFakeLimitStore(counts) };
});
