// The text form of a scope: a permission name, or `*` for no narrowing. A space or a control character would make
// several of one in a token's `scope` claim.

const scopeName = /^(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*)$/;

export function isScopeName(text: string): boolean {
  return scopeName.test(text);
}
