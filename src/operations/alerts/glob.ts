/**
 * Compares a name with a pattern in which `*` stands for any characters, also none, and `?` for one. Every text is a pattern: no
 * other character has a meaning. Upper and lower case are two things, as they are for the names of schemas and tables on most
 * servers. Takes at most as many steps as the name has characters for each one of the pattern.
 */
export function matchesGlob(name: string, pattern: string): boolean {
  const letters = Array.from(name);
  const wanted = Array.from(pattern);
  let at = 0;
  let next = 0;
  /** Behind the last `*`, and from where on the name is compared with what stands there. */
  let retry: { next: number; at: number } | null = null;
  while (at < letters.length) {
    if (wanted[next] === '*') {
      next += 1;
      retry = { next, at };
    } else if (next < wanted.length && (wanted[next] === '?' || wanted[next] === letters[at])) {
      next += 1;
      at += 1;
    } else if (retry === null) return false;
    else {
      // An earlier `*` need not take more: the last one can do so as well.
      retry.at += 1;
      ({ next, at } = retry);
    }
  }
  return wanted.slice(next).every((letter) => letter === '*');
}
