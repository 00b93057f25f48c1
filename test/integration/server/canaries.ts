// Looks for values that must be nowhere: in clear and in the encodings that a careless hand would give them.
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";

export interface Canary {
  readonly name: string;
  readonly value: string;
}

export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Base64 depends on where a value begins within a group of three bytes, so the sure middle of each of the three is sought. */
function base64Middles(value: Buffer): string[] {
  return [0, 1, 2].map((lead) => {
    const text = Buffer.concat([Buffer.alloc(lead), value])
      .toString("base64")
      .replaceAll("=", "");
    return text.slice(lead === 0 ? 0 : 4, -2);
  });
}

export function needlesOf(canaries: readonly Canary[]): readonly Needle[] {
  return canaries.flatMap(({ name, value }) => {
    const bytes = Buffer.from(value);
    const hex = bytes.toString("hex");
    const encoded = base64Middles(bytes);
    const forms: [string, Buffer][] = [
      ["in clear", bytes],
      ["in a URL", Buffer.from(encodeURIComponent(value))],
      ["in a form", Buffer.from(encodeURIComponent(value).replaceAll("%20", "+"))],
      ["in a URL, every byte", Buffer.from(hex.replace(/../g, "%$&"))],
      ["in a URL, every byte in capitals", Buffer.from(hex.toUpperCase().replace(/../g, "%$&"))],
      ["in JSON", Buffer.from(JSON.stringify(value).slice(1, -1))],
      ["in JSON, every character", Buffer.from(hex.replace(/../g, "\\u00$&"))],
      ["as a list of bytes", Buffer.from([...bytes].join(","))],
      ["as a list of bytes with spaces", Buffer.from([...bytes].join(", "))],
      ["in hex with spaces", Buffer.from(hex.replace(/..(?!$)/g, "$& "))],
      ["in UTF-16", Buffer.from(value, "utf16le")],
      ["reversed", Buffer.from(bytes).reverse()],
      ["in hex", Buffer.from(hex)],
      ["in capital hex", Buffer.from(hex.toUpperCase())],
      ...encoded.map((text): [string, Buffer] => ["in base64", Buffer.from(text)]),
      ...encoded.map((text): [string, Buffer] => [
        "in base64url",
        Buffer.from(text.replaceAll("+", "-").replaceAll("/", "_")),
      ]),
    ];
    return forms.map(([form, sought]) => ({ name: `${name} ${form}`, bytes: sought }));
  });
}

export function findIn(haystack: Buffer, needles: readonly Needle[]): string[] {
  return [...new Set(needles.filter(({ bytes }) => haystack.includes(bytes)).map(({ name }) => name))];
}

async function readWhole(path: string): Promise<Buffer> {
  const file = await open(path, "r");
  return file.readFile().finally(() => file.close());
}

/** Every file below a directory: where what was found. */
export async function findBelow(directory: string, needles: readonly Needle[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const hits = findIn(await readWhole(path), needles);
    found.push(...hits.map((hit) => `${path.slice(directory.length)}: ${hit}`));
  }
  return found;
}
