// Credentials for Vault that lie in files, read anew at each login, because whoever put them there replaces them.
import { Secret } from "../kernel/secret.ts";
import { type NamedFile, readNamedFile, refused } from "../tls/files.ts";

const longest = 64 * 1024;

/**
 * Throws StartRefused in one sentence that names the setting. `secret` = refuse a file that everybody may read; the token
 * of a Kubernetes service account is mounted so by the kubelet.
 */
export async function readCredential(file: NamedFile, secret: boolean): Promise<Secret<string>> {
  const bytes = await readNamedFile(file, secret);
  const text = bytes.toString("latin1").trim();
  // It becomes a header: what is not visible ASCII could end it and begin another.
  if (bytes.length > longest || !/^[\x21-\x7e]+$/.test(text)) throw refused(file, "does not hold a credential");
  return new Secret(text);
}
