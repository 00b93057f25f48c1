// Did-you-mean for misspelt settings.

function nextRow(above: readonly number[], letter: string, target: string, index: number): number[] {
  const row = [index];
  for (let column = 1; column <= target.length; column += 1) {
    const changed = (above[column - 1] ?? 0) + (target[column - 1] === letter ? 0 : 1);
    row.push(Math.min(changed, (above[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1));
  }
  return row;
}

/** Levenshtein distance. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let index = 1; index <= from.length; index += 1) row = nextRow(row, from[index - 1] ?? "", to, index);
  return row[to.length] ?? 0;
}

/** The known name that a slip of a few letters turns into `name`, if there is one. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const longest = 128;
  if (name.length > longest) return undefined;
  const slips = Math.max(2, Math.floor(name.length / 6));
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(name, candidate);
    if (distance <= slips && (best === undefined || distance < best.distance)) best = { name: candidate, distance };
  }
  return best?.name;
}
