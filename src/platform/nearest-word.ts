/** Two letters may be swapped in any word; longer words may differ in more. Farther apart, a suggestion would only puzzle. */
const ALWAYS_NEAR = 2;
const NEAR_SHARE = 0.4;

/** The word most like `word`, or undefined when none is like it. */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ candidate, distance }) => isNear(distance, Math.max(word.length, candidate.length)))
    .sort((a, b) => a.distance - b.distance);
  return ranked[0]?.candidate;
}

function isNear(distance: number, longest: number): boolean {
  return distance < longest && distance <= Math.max(ALWAYS_NEAR, NEAR_SHARE * longest);
}

/** How many letters to add, drop or change to make `b` of `a` (Levenshtein), one row of the table at a time. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 1; line <= a.length; line += 1) {
    const next = [line];
    for (let column = 1; column <= b.length; column += 1) {
      const change = (row[column - 1] ?? 0) + (a[line - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(change, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
