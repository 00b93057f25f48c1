// Who may come in, and from where.
import * as is from "../kinds.ts";
import { setting } from "../setting.ts";

export const access = {
  registration: setting({
    env: "GATEHOUSE_REGISTRATION",
    kind: is.oneOf("off", "invite", "open"),
    default: "invite",
    doc: "Who may register: nobody, holders of an invitation, anyone. Whoever registers holds no grant.",
  }),
} as const;
