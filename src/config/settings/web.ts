// The web door, and who may stand before it.
import * as is from "../kinds.ts";
import { setting } from "../setting.ts";
import { doorOrOff, origins, ownUrl } from "../web-kinds.ts";

export const web = {
  webListen: setting({
    env: "GATEHOUSE_WEB_LISTEN",
    kind: doorOrOff,
    default: "127.0.0.1:8080",
    doc: "Where Connect, gRPC-Web and JSON are served, with the OAuth endpoints, `/.well-known/jwks.json`, `/healthz` and `/readyz`. Port 0 takes a free port.",
  }),
  webUrl: setting({
    env: "GATEHOUSE_WEB_URL",
    kind: ownUrl,
    default: { doc: "the value of `JWT_ISSUER`", from: (text) => text("JWT_ISSUER") },
    doc: "What clients put before the paths of the web door. The endpoints in `/.well-known/oauth-authorization-server` begin with it.",
  }),
  corsOrigins: setting({
    env: "GATEHOUSE_CORS_ORIGINS",
    kind: origins,
    default: "none",
    doc: "Pages of which origins may call the web door from a browser. The public keys are open to all.",
    reloadable: true,
  }),
  corsCredentials: setting({
    env: "GATEHOUSE_CORS_CREDENTIALS",
    kind: is.boolean,
    default: "false",
    doc: "Let browsers send credentials of their own along. Gatehouse reads no cookies; a proxy before it may. Refused with `*`.",
    reloadable: true,
  }),
  trustedProxies: setting({
    env: "GATEHOUSE_TRUSTED_PROXIES",
    kind: is.networks,
    default: "none",
    reloadable: true,
    doc: "Proxies whose word on who called is believed, on both doors. Forwarding headers of anybody else change nothing.",
  }),
  forwardedHeader: setting({
    env: "GATEHOUSE_FORWARDED_HEADER",
    kind: is.oneOf("x-forwarded-for", "forwarded"),
    default: "x-forwarded-for",
    doc: "The header that those proxies write. The other one they may pass on from anybody, so it is not read.",
  }),
} as const;
