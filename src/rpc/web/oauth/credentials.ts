// What a caller of an OAuth endpoint shows of itself (RFC 6749 section 2.3): client id and secret in the header or in the form, or
// something else in the header that is for the chain to judge.
import { GatehouseError } from "../../../kernel/errors.ts";
import type { ShownClient } from "../../exchange.ts";
import { headerValues, type WebRequest } from "../message.ts";
import { decodeFormText, type Form } from "./form.ts";

export interface Shown {
  /** Undefined = no client, or none that could be read. Without a secret it is a public one. */
  readonly client: ShownClient | undefined;
  /** True = there is an `authorization` header that names no client. */
  readonly otherHeader: boolean;
}

/** The bounds of the contract: nothing that is longer was ever a client's, and it is answered like any other that was not. */
const longestId = 63;
const longestSecret = 128;

const basic = /^basic +([A-Za-z0-9+/]+={0,2})$/i;
const text = new TextDecoder("utf-8", { fatal: true });

function utf8(bytes: Buffer): string | undefined {
  try {
    return text.decode(bytes);
  } catch {
    return undefined;
  }
}

function withinBounds({ clientId, clientSecret }: ShownClient): boolean {
  return clientId !== "" && clientId.length <= longestId && clientSecret.length <= longestSecret;
}

/** Undefined = not of RFC 7617's form, not encoded as RFC 6749 section 2.3.1 has it, or longer than any client's. */
function readBasic(value: string): ShownClient | undefined {
  const [, word = ""] = basic.exec(value) ?? [];
  const bytes = Buffer.from(word, "base64");
  if (word === "" || bytes.toString("base64") !== word) return undefined;
  const [id = "", ...rest] = utf8(bytes)?.split(":") ?? [];
  const [clientId, clientSecret] = [decodeFormText(id), decodeFormText(rest.join(":"))];
  if (rest.length === 0 || clientId === undefined || clientSecret === undefined) return undefined;
  const client = { clientId, clientSecret };
  return withinBounds(client) ? client : undefined;
}

export function shownInHeader(request: WebRequest): Shown {
  const headers = headerValues(request, "authorization");
  const [header] = headers;
  if (header === undefined) return { client: undefined, otherHeader: false };
  const client = headers.length === 1 ? readBasic(header) : undefined;
  return { client, otherHeader: client === undefined };
}

function shownInForm(form: Form): ShownClient | undefined {
  const [clientId, clientSecret = ""] = [form.get("client_id"), form.get("client_secret")];
  if (clientId === undefined && clientSecret !== "")
    throw new GatehouseError("REQUEST_INVALID", { message: "there is a secret without a client" });
  if (clientId === undefined) return undefined;
  const client = { clientId, clientSecret };
  if (!withinBounds(client)) throw new GatehouseError("CLIENT_INVALID", { auditReason: "CREDENTIAL_MALFORMED" });
  return client;
}

/** One way of authentication for one request (RFC 6749 section 2.3). Throws REQUEST_INVALID, CLIENT_INVALID. */
export function shownBy(inHeader: Shown, form: Form): Shown {
  const given = shownInForm(form);
  const { client, otherHeader } = inHeader;
  if (client === undefined && !otherHeader) return { client: given, otherHeader };
  if (given !== undefined && given.clientSecret !== "")
    throw new GatehouseError("REQUEST_INVALID", { message: "a client authenticates in one way, not in two" });
  if (given !== undefined && client !== undefined && given.clientId !== client.clientId)
    throw new GatehouseError("REQUEST_INVALID", { message: "header and form name different clients" });
  return inHeader;
}
