// The one form in which login names are compared and indexed, so that look-ups, limits and the audit trail agree.

/** NFKC, then lower case: names that look alike by width, composition or case are one name. Stable: twice is as once. */
export function normaliseLoginName(text: string): string {
  return text.normalize("NFKC").toLowerCase().normalize("NFKC");
}
