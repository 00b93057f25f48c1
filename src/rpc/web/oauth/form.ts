// The request of an OAuth endpoint: a form (RFC 6749 appendix B), bounded and read strictly. What it says never comes back.
import { GatehouseError } from "../../../kernel/errors.ts";
import { headerValues, type WebRequest } from "../message.ts";

/** Parameters by name; none is empty. */
export type Form = ReadonlyMap<string, string>;

/** Two tokens of 16 KiB with what stands beside them, should every one of their characters be escaped needlessly. */
export const maxFormBytes = 64 * 1024;
const maxParameters = 32;

const contentType = /^application\/x-www-form-urlencoded[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;
/** What a form may consist of once it is encoded. */
const encoded = /^[A-Za-z0-9*._~!'()%+&=/:,;@?$-]*$/;
const control = /\p{Cc}/u;

function malformed(message: string): GatehouseError {
  return new GatehouseError("REQUEST_MALFORMED", { message });
}

/** RFC 9110 has one content type; two might be read differently by whoever stands before us. */
export function isForm(request: WebRequest): boolean {
  const [type = "", ...more] = headerValues(request, "content-type");
  return more.length === 0 && contentType.test(type);
}

/** Of the form's encoding, which is also that of client id and secret in Basic. Undefined = it is not UTF-8 text so encoded. */
export function decodeFormText(text: string): string | undefined {
  try {
    const decoded = decodeURIComponent(text.replaceAll("+", " "));
    return control.test(decoded) ? undefined : decoded;
  } catch {
    return undefined;
  }
}

function parameter(piece: string): readonly [string, string] {
  const end = piece.indexOf("=");
  const [name, value] = end < 0 ? [piece, ""] : [piece.slice(0, end), piece.slice(end + 1)];
  const pair = [decodeFormText(name), decodeFormText(value)] as const;
  if (pair[0] === undefined || pair[1] === undefined) throw malformed("the form has a parameter that is not text");
  return [pair[0], pair[1]];
}

/**
 * A parameter that stands twice is refused, whichever it is: readers disagree on which of the two counts. One without a value is as
 * good as none (RFC 6749 section 3.1). Throws GatehouseError.
 */
export function readForm(body: Uint8Array): Form {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  if (!encoded.test(text)) throw malformed("the request is not a form");
  const pieces = text.split("&").filter((piece) => piece !== "");
  if (pieces.length > maxParameters) throw malformed("the form has too many parameters");
  const pairs = pieces.map(parameter);
  const form = new Map(pairs);
  if (form.size < pairs.length) throw malformed("the form has a parameter that stands twice");
  return new Map(pairs.filter(([, value]) => value !== ""));
}
