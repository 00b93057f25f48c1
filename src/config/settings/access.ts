// Who may come in, and from where.
import * as is from "../kinds.ts";
import { setting } from "../setting.ts";

function staysHere(text: string | undefined): boolean {
  if (text === "off") return true;
  const listen = is.listen.parse(text ?? "");
  return listen.ok && listen.value.loopback;
}

export const access = {
  registration: setting({
    env: "GATEHOUSE_REGISTRATION",
    kind: is.oneOf("off", "invite", "open"),
    default: "invite",
    doc: "Who may register: nobody, holders of an invitation, anyone. Whoever registers holds no grant.",
  }),
  stepUpAge: setting({
    env: "GATEHOUSE_STEP_UP_AGE",
    kind: is.durationOrOff("1m", "30d"),
    default: "12h",
    doc: "How long after its login a caller may change who may do what; later it logs in again (RFC 9470). `off` = for as long as its session lives.",
  }),
  stepUpSecondFactor: setting({
    env: "GATEHOUSE_STEP_UP_SECOND_FACTOR",
    kind: is.oneOf("off", "administrators"),
    default: "off",
    doc: "`administrators`: people who change who may do what need a second factor (`acr` `aal2`) as well; service accounts, which have none, do not. This version enrols no factors yet, so people then change nothing of the kind.",
  }),
  adminNetworks: setting({
    env: "GATEHOUSE_ADMIN_NETWORKS",
    kind: is.networks,
    default: "any",
    reloadable: true,
    doc: "From where who may do what can be changed. With a list, the Unix socket counts only when `unix` is in it.",
  }),
  reflection: setting({
    env: "GATEHOUSE_REFLECTION",
    kind: is.oneOf("on", "authenticated", "off"),
    default: {
      doc: "`on` while both doors are on loopback or Unix sockets, else `off`",
      from: (text) =>
        ["GATEHOUSE_GRPC_LISTEN", "GATEHOUSE_WEB_LISTEN"].every((env) => staysHere(text(env))) ? "on" : "off",
    },
    doc: "Whether gRPC reflection tells the contracts: to everybody, to callers with a live token, to nobody.",
  }),
} as const;
