import { CHANGES, HARMLESS_TO_ALTER } from './alter-grammar.ts';
import { formOf, UNCLASSIFIED, type Found } from './found.ts';
import { gravestKind, type IncidentKind, type IncidentObject } from './incident.ts';
import { matchAll, readName, takeHead, type Match } from './match.ts';
import { isWord, keywordOf, type TokenReader } from './token-reader.ts';

/** One change of the list that destroys something. */
interface Loss {
  readonly kind: IncidentKind;
  readonly sure: boolean;
  /** Columns or partitions. */
  readonly parts: readonly string[];
  /** Beside the table itself. */
  readonly others: readonly IncidentObject[];
}

/** Reads an ALTER statement behind its first word; null when it destroys nothing. */
export function readAlter(match: Match): Found | null {
  const { reader } = match;
  let ignores = false;
  while (reader.isAt(['ONLINE', 'IGNORE'])) ignores = keywordOf(reader.take()) === 'IGNORE' || ignores;
  if (!reader.takeWord('TABLE')) return reader.isAt(HARMLESS_TO_ALTER) ? null : UNCLASSIFIED;
  if (reader.takeWord('IF')) reader.takeWord('EXISTS');
  const table = readName(match);
  if (table === undefined) return UNCLASSIFIED;
  if (reader.takeWord('WAIT')) reader.take();
  else reader.takeWord('NOWAIT');
  return together({ ...table, type: 'table' }, readChanges(match, ignores));
}

function readChanges(match: Match, ignores: boolean): Loss[] {
  const losses: Loss[] = [];
  while (match.reader.peek.kind !== 'end' && !match.reader.isAt([';'])) {
    const loss = readChange(match, ignores);
    if (loss !== null) losses.push(loss);
    match.reader.skipTo([',']);
    match.reader.takeWord(',');
  }
  return losses;
}

const UNREADABLE: Loss = { kind: 'unclassified', sure: true, parts: [], others: [] };

function readChange(match: Match, ignores: boolean): Loss | null {
  const { reader } = match;
  const first = keywordOf(reader.peek);
  const rule = takeHead(CHANGES, reader);
  if (rule === undefined) return reader.isAt(['='], 1) ? lossByEngine(reader, { first: '', ignores }) : UNREADABLE;
  const own: Match = { ...match, objects: [], parts: [] };
  const understood = matchAll(rule.rest, own);
  const { kind, suspicious, options } = rule.meaning;
  if (kind === null) return options ? lossByEngine(reader, { first, ignores }) : lossUnawares(own, { first, ignores });
  const sure = understood && !suspicious && endsHere(reader);
  return { kind, sure, parts: own.parts, others: own.objects };
}

/** The list of changes may be followed by the table's partitions, without a comma. */
function endsHere(reader: TokenReader): boolean {
  return reader.peek.kind === 'end' || reader.isAt([',', ';', 'PARTITION', 'REMOVE']);
}

/** Rows that are given to one of these are gone. Tried on MariaDB 10.11.19 and MySQL 5.6.24. */
const ENGINES_WITHOUT_ROWS: readonly string[] = ['BLACKHOLE', 'MERGE', 'MRG_MYISAM'];

/** How the change that is read begins, and whether the statement says IGNORE. */
interface Beginning {
  readonly first: string;
  readonly ignores: boolean;
}

function lossByEngine(reader: TokenReader, { first, ignores }: Beginning): Loss | null {
  let option = first;
  while (reader.peek.kind !== 'end' && !reader.isAt([',', '('])) {
    const token = reader.take();
    if (token.text === '=') continue;
    const isLost = option === 'ENGINE' && ENGINES_WITHOUT_ROWS.includes(token.text.toUpperCase());
    if (isLost) return { kind: 'truncate-table', sure: true, parts: [], others: [] };
    if (option === 'ENGINE' && ignores) return { kind: 'mass-delete', sure: false, parts: [], others: [] };
    option = keywordOf(token);
  }
  return null;
}

/** Every row is written anew, and with IGNORE one that breaks a key, under its new collation for instance, or a check is left out. */
const WRITE_ANEW: readonly string[] = ['PARTITION', 'CONVERT', 'FORCE', 'ORDER'];

/**
 * Without a word, servers delete the rows that the new partitions of a list have no place for, and with IGNORE those
 * that break a new key or check or have no partition. Whether there were any is not in the text. Tried on MariaDB
 * 10.11.19 and MySQL 5.6.24; partitions by range must keep their whole range.
 */
function lossUnawares({ reader, parts }: Match, { first, ignores }: Beginning): Loss | null {
  const loss = (kind: IncidentKind): Loss => ({ kind, sure: false, parts, others: [] });
  if (first === 'REORGANIZE') return isByList(reader) ? loss('drop-partition') : null;
  if (!ignores) return null;
  return WRITE_ANEW.includes(first) || (first === 'ADD' && hasKeyOrCheck(reader)) ? loss('mass-delete') : null;
}

/** Reads to the change's end, and into parentheses: ADD (a INT, UNIQUE (b)). */
function hasKeyOrCheck(reader: TokenReader): boolean {
  let found = false;
  for (let depth = 0; reader.peek.kind !== 'end' && (depth > 0 || !reader.isAt([',']));) {
    found ||= reader.isAt(['UNIQUE', 'PRIMARY', 'CHECK']);
    const token = reader.take();
    if (isWord(token, '(')) depth += 1;
    else if (isWord(token, ')')) depth -= 1;
  }
  return found;
}

/** True when a partition is defined by VALUES IN (...). Reads to the end: no other change may follow. */
function isByList(reader: TokenReader): boolean {
  let found = false;
  while (reader.peek.kind !== 'end') {
    const values = isWord(reader.take(), 'VALUES');
    found ||= values && reader.isAt(['IN']);
  }
  return found;
}

/** The gravest of what is sure gives the kind, and its columns or partitions; the objects are all. */
function together(table: IncidentObject, losses: readonly Loss[]): Found | null {
  if (losses.length === 0) return null;
  const sure = losses.some((loss) => loss.sure);
  const counting = losses.filter((loss) => loss.sure === sure);
  const kind = gravestKind(counting.map((loss) => loss.kind));
  const parts = counting.flatMap((loss) => (loss.kind === kind ? loss.parts : []));
  const main = parts.length === 0 ? table : { ...table, parts };
  return { form: formOf(kind), objects: [main, ...counting.flatMap(({ others }) => others)], sure, ofOneTable: true };
}
