// A live session of a person, with everything that a test does not speak of filled in.
import type { LiveSession } from "../../src/kernel/sessions.ts";

export function liveSession(principalId: string, id: string): LiveSession & { readonly principalId: string } {
  const at = (hours: number) => new Date(Date.UTC(2026, 10, 21, hours));
  return {
    principalId,
    id,
    deviceName: "laptop",
    address: "192.0.2.1",
    createdAt: at(1),
    refreshedAt: at(2),
    idleExpiresAt: at(3),
    absoluteExpiresAt: at(4),
  };
}
