import { formOf, type Found } from './found.ts';
import { readAccount, readName, type Match } from './match.ts';

/**
 * Reads CREATE OR REPLACE DEFINER behind its last word; null for whatever is only replaced. A package loses its body, which is
 * mostly made anew by the next statement: nothing here tells. Seen on MariaDB 10.11.19, which always writes a definer.
 */
export function readDefined(match: Match): Found | null {
  const { reader } = match;
  reader.takeWord('=');
  readAccount(match);
  if (!reader.takeWord('PACKAGE') || reader.isAt(['BODY'])) return null;
  const name = readName(match);
  const objects = name === undefined ? [] : [{ ...name, type: 'routine' as const }];
  return { form: formOf('drop-routine'), objects, sure: false, ofOneTable: false };
}
