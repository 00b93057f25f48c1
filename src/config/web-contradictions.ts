// Settings of the web door that are right one by one and wrong together.
import type { Contradiction } from "./contradictions.ts";

export const webContradictions: readonly Contradiction[] = [
  {
    about: ["corsOrigins", "corsCredentials"],
    when: ({ corsOrigins, corsCredentials }) => corsCredentials && corsOrigins.has("*"),
    say: "GATEHOUSE_CORS_CREDENTIALS=true with GATEHOUSE_CORS_ORIGINS=* would let every page act as its visitor: list the origins",
  },
  {
    about: ["trustedProxies"],
    when: ({ trustedProxies }) => trustedProxies.everywhere,
    say: "GATEHOUSE_TRUSTED_PROXIES=any would believe whatever anybody writes into a header: list the proxies",
  },
];
