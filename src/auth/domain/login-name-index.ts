// What the blind index of a login name is computed over. The audit trail finds records by the same words.

export function loginNameParts(normalised: string): readonly string[] {
  return ["person.login_name", normalised];
}
