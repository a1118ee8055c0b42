import type { ObjectType } from '../../incident/incident.ts';
import { readName, type Match } from '../../incident/match.ts';
import { keywordOf } from '../../incident/token-reader.ts';
import type { Touch, Verb } from './touch.ts';

const TYPES: ReadonlyMap<string, ObjectType> = new Map([
  ['VIEW', 'view'],
  ['TRIGGER', 'trigger'],
  ['PROCEDURE', 'routine'],
  ['FUNCTION', 'routine'],
  ['PACKAGE', 'routine'],
  ['EVENT', 'event'],
]);

/** Reads what `CREATE DEFINER=... SQL SECURITY ...` is about, from behind its second word on. */
export function readStored(match: Match, { verb }: { readonly verb: Verb }): Touch[] | null {
  const { reader } = match;
  if (!reader.skipTo([...TYPES.keys()])) return null;
  const type = TYPES.get(keywordOf(reader.take())) ?? 'view';
  reader.takeWord('BODY');
  const ensures = reader.takeWord('IF') && verb === 'create';
  while (reader.takeWord('NOT', 'EXISTS'));
  const name = readName(match);
  return name === undefined ? null : [{ ...name, type, verb: ensures ? 'ensure' : verb, by: 'text' }];
}
