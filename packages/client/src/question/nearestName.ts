// Finds the known name that a mistyped one most likely meant, for remedies in error messages.

/** The name with the fewest edits from `given`, or null where none is near enough to be a slip of the keyboard. */
export function nearestName(given: string, names: readonly string[]): string | null {
  const asked = given.slice(0, 100).toLowerCase();
  let nearest: string | null = null;
  let fewest = Math.max(2, Math.floor(asked.length / 3)) + 1;
  for (const name of names) {
    const edits = editDistance(asked, name.toLowerCase());
    if (edits < fewest) [nearest, fewest] = [name, edits];
  }
  return nearest;
}

/** Levenshtein distance: insertions, deletions and substitutions. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    previous = row;
  }
  return previous[b.length];
}
