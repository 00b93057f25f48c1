// A cluster's public keys over https: verified, bounded in size and time, and from nowhere but where the settings say.
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import type { KeyPlace } from "./issuers-file.ts";

const timeoutMs = 5_000;
const largest = 256 * 1024;

type Remote = Extract<KeyPlace, { kind: "url" }>;

/** The body of a 200. No redirect is followed: it would go where nobody reviewed. */
function get(url: URL, ca: string | undefined, token: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = {
      accept: "application/json",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const trust = ca === undefined ? {} : { ca };
    const signal = AbortSignal.timeout(timeoutMs);
    const call = request(url, { method: "GET", agent: false, minVersion: "TLSv1.2", headers, signal, ...trust });
    call.on("error", reject);
    call.on("response", (answer) => {
      const parts: Buffer[] = [];
      let length = 0;
      answer.on("error", reject);
      answer.on("data", (part: Buffer) => {
        length += part.length;
        parts.push(part);
        if (length > largest) call.destroy(new RangeError("the issuer's answer is too large"));
      });
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(parts).toString("utf8"));
        else reject(new Error(`the issuer answered with status ${answer.statusCode}`));
      });
    });
    call.end();
  });
}

async function readText(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : (await readFile(path, "utf8")).trim();
}

export async function fetchKeys({ url, caFile, tokenFile }: Remote): Promise<string> {
  const [ca, token] = await Promise.all([readText(caFile), readText(tokenFile)]);
  return get(url, ca, token);
}
