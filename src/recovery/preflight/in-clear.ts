import type { ServerOptionValues } from '../scratch-options.ts';

/**
 * Says that a source encrypts tables that do not ask for it, and a target does not: only the keys of the source could.
 *
 * @param found the target's `innodb_encrypt_tables`
 * @param target as in 'the target writes them in clear'
 */
export function inClear(
  { innodb_encrypt_tables: source = 'OFF' }: ServerOptionValues,
  found: string,
  target: string,
): string[] {
  if (source === 'OFF' || found !== 'OFF') return [];
  return [`the source encrypts its tables on disk (innodb_encrypt_tables), ${target} writes them in clear`];
}
