// What a new password must be: long enough, not too long, not common, not made of what everybody knows about its
// owner, and hard enough to guess. No rule asks for kinds of characters (SP 800-63B-4 section 3.1.1.2).

export interface PasswordContext {
  readonly loginName: string;
  readonly displayName: string;
}

/** What the estimator says of a password; it holds the dictionaries. */
export interface StrengthEstimate {
  /** 0 to 4 in the scale of zxcvbn. */
  readonly score: number;
  /** The whole password is on the list of common ones. */
  readonly common: boolean;
}

const longestPasswordBytes = 1024;
const serviceName = "gatehouse";

/**
 * Below 2 (a million guesses) a password falls to patient online guessing even at the rate that the limits leave. More
 * is not asked for: a random password of the allowed 8 characters scores 2, and the pepper keeps guessing online.
 */
const leastScore = 2;

/** Shortest word of the context that counts; shorter ones occur in good passwords by chance. */
const shortestWord = 3;
/** What must be left once the words of the context are taken out: some letters, or more digits than a date has. */
const leastOwnLetters = 4;
const leastOwnDigits = 9;

export type PasswordFault = "too_short" | "too_long" | "common" | "context" | "guessable" | "unchanged";

/** NFC, so that the same text typed on another keyboard is the same password. Nothing is folded or cut. */
export function canonicalPassword(password: string): string {
  return password.normalize("NFC");
}

function folded(text: string): string {
  return text.normalize("NFKC").toLowerCase();
}

/** The words that a guesser would try first for this person, longest first. */
export function contextWords({ loginName, displayName }: PasswordContext): readonly string[] {
  const texts = [serviceName, folded(loginName), folded(displayName)];
  const words = texts.flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)]);
  return [...new Set(words)].filter((word) => [...word].length >= shortestWord).sort((a, b) => b.length - a.length);
}

/** Made of context words, a date and punctuation, with nothing of its own that counts. */
function isMadeOfContext(password: string, context: PasswordContext): boolean {
  const whole = folded(password);
  const rest = contextWords(context).reduce((text, word) => text.replaceAll(word, ""), whole);
  if (rest === whole) return false;
  const letters = rest.match(/[\p{L}\p{So}]/gu)?.length ?? 0;
  const digits = rest.match(/\p{N}/gu)?.length ?? 0;
  return letters < leastOwnLetters && digits < leastOwnDigits;
}

/** Too short or too long, which needs no estimate. The password is in its canonical form. */
export function lengthFaults(password: string, minLength: number): readonly PasswordFault[] {
  if (Buffer.byteLength(password) > longestPasswordBytes) return ["too_long"];
  return [...password].length < minLength ? ["too_short"] : [];
}

/** Faults of a password whose length is right. */
export function contentFaults(
  password: string,
  context: PasswordContext,
  estimate: StrengthEstimate,
): readonly PasswordFault[] {
  const faults: PasswordFault[] = [];
  if (estimate.common) faults.push("common");
  if (isMadeOfContext(password, context)) faults.push("context");
  if (faults.length === 0 && estimate.score < leastScore) faults.push("guessable");
  return faults;
}

export function describeFault(fault: PasswordFault, minLength: number): string {
  const descriptions: Record<PasswordFault, string> = {
    too_short: `must have at least ${minLength} characters`,
    too_long: `must have at most ${longestPasswordBytes} bytes`,
    common: "is one of the most common passwords",
    context: "is made of the login name, the display name or the name of the service",
    unchanged: "must not be the current password",
    guessable: "is too easy to guess; longer is better, an unusual phrase is best",
  };
  return descriptions[fault];
}
