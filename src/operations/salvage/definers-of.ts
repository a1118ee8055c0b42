import type { Definition } from './definitions.ts';

/**
 * Whom definitions run as, each once, as SQL writes an account. Without them what is loaded elsewhere fails when it is used
 * (ER_NO_SUCH_USER), a view on such a view already when it is made. Pure.
 */
export function definersOf(definitions: readonly Pick<Definition, 'sql'>[]): string[] {
  // The server writes it before all that a person wrote.
  const found = definitions.map(({ sql }) => /\bDEFINER=(`(?:[^`]|``)*`(?:@`(?:[^`]|``)*`)?)/.exec(sql)?.[1]);
  return [...new Set(found.filter((definer) => definer !== undefined))].sort();
}
