const MOST_NAMES = 20;

/** Names for a person, and how many more there are: `a, b and 3 more`. */
export function listShort(names: readonly string[]): string {
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  return `${names.slice(0, MOST_NAMES).join(', ')}${more}`;
}
