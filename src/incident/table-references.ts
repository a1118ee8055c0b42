import { readName, type Match } from './match.ts';
import { keywordOf } from './token-reader.ts';

/** A table that a statement reads or changes, and what it calls it. */
export interface TableReference {
  readonly schema: string;
  readonly name: string;
  readonly alias: string | null;
}

/** What may stand behind a table and is not its alias: reserved words all. */
const NO_ALIAS: readonly string[] = [
  ...['JOIN', 'INNER', 'CROSS', 'LEFT', 'RIGHT', 'FULL', 'NATURAL', 'STRAIGHT_JOIN', 'ON', 'USING', 'USE', 'IGNORE'],
  ...['FORCE', 'FOR', 'SET', 'WHERE', 'ORDER', 'LIMIT', 'RETURNING', 'SELECT', 'VALUES', 'FROM'],
];

const BEFORE_TABLE: readonly string[] = ['JOIN', 'STRAIGHT_JOIN', ','];

interface TableReferences {
  readonly tables: readonly TableReference[];
  /** True when one table is all there is: nothing is joined to it. */
  readonly ofOneTable: boolean;
}

/** Reads `a`, `a AS x JOIN (b y, c) ON ...` up to one of the words; subqueries are passed over. */
export function readReferences(match: Match, until: readonly string[]): TableReferences {
  const { reader } = match;
  const found: TableReference[] = [];
  let isMore = false;
  let expected = true;
  while (reader.peek.kind !== 'end' && !reader.isAt(until)) {
    if (expected && reader.isAt(['(']) && !reader.isAt(['SELECT', 'WITH', 'VALUES', 'TABLE'], 1)) reader.take();
    else if (reader.skipParentheses()) {
      isMore = true;
      expected = false;
    } else if (expected) {
      const reference = readReference(match);
      if (reference === undefined) reader.take();
      else found.push(reference);
      expected = false;
    } else {
      isMore = true;
      expected = BEFORE_TABLE.includes(keywordOf(reader.take()));
    }
  }
  return { tables: found, ofOneTable: found.length === 1 && !isMore };
}

/** Reads `schema.name PARTITION (p) AS alias`. */
function readReference(match: Match): TableReference | undefined {
  const { reader } = match;
  const table = readName(match);
  if (table === undefined) return undefined;
  if (reader.takeWord('PARTITION')) reader.skipParentheses();
  const named = reader.takeWord('AS') || !reader.isAt(NO_ALIAS);
  return { ...table, alias: (named ? reader.takeName() : undefined) ?? null };
}

/** Names that DELETE has before the tables, each perhaps with `.*`; one alone may have an alias. */
export function readTargets(match: Match): TableReference[] {
  const { reader } = match;
  const targets: TableReference[] = [];
  do {
    const target = readReference(match);
    if (target !== undefined) targets.push(target);
    if (reader.takeWord('.')) reader.takeWord('*');
  } while (reader.takeWord(','));
  return targets;
}
