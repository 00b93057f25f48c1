// How sure an authentication is: the classes that tokens name in `acr`, by the levels of SP 800-63B-4, and what of `amr` (RFC 8176) must
// bear them out.

/** What one factor reaches, and what two do. */
export const oneFactor = "aal1";
export const twoFactors = "aal2";

const strongContexts: ReadonlySet<string> = new Set([twoFactors, "aal3"]);
/** What somebody has or is; whatever else a method is, a second one beside the password proves nothing that the first did not. */
const hadOrBeen: ReadonlySet<string> = new Set(["otp", "hwk", "swk", "sc", "fpt", "face", "iris", "retina", "vbm"]);

export interface Authentication {
  /** RFC 8176, such as `pwd` and `otp`. */
  readonly authenticationMethods: readonly string[];
  /** Undefined = none is said. */
  readonly authenticationContext?: string | undefined;
}

/** Class and methods must both say so: a class without its methods, or methods without the class, is a mistake somewhere. */
export function hasSecondFactor({ authenticationMethods, authenticationContext = "" }: Authentication): boolean {
  if (!strongContexts.has(authenticationContext)) return false;
  return new Set(authenticationMethods).size > 1 && authenticationMethods.some((method) => hadOrBeen.has(method));
}
