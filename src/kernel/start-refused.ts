// Why the process will not start, in one clear sentence for the operator. Never holds a secret.

export class StartRefused extends Error {
  override readonly name = "StartRefused";
}
