import type { QueryEvent } from '../../binlog/group.ts';
import { dialectOf, type Dialect, type Source } from '../../incident/dialect.ts';
import { matchAll, readAccount, readName, takeHead, type Match } from '../../incident/match.ts';
import { decodeStatement } from '../../incident/statement-text.ts';
import { readReferences, readTargets } from '../../incident/table-references.ts';
import { TokenReader } from '../../incident/token-reader.ts';
import { Tokenizer } from '../../incident/tokenizer.ts';
import { readAlterChanges } from './alter-changes.ts';
import { readStored } from './stored-touches.ts';
import { TOUCHES, type Reader, type TouchMeaning } from './touch-grammar.ts';
import type { Named, Touch } from './touch.ts';

/** What a statement does, and to what; null: it cannot be read, and may do anything. */
export interface StatementTouches {
  readonly touches: readonly Touch[] | null;
  /** The statement, decoded, and how to read it. */
  readonly text: string;
  readonly dialect: Dialect;
}

type Done = Extract<TouchMeaning, { is: 'reads' }>;

/** Reads what a statement says that it does. Pure, never throws. Names that are only mentioned are not among it. */
export function readStatement(query: QueryEvent, source: Source): StatementTouches {
  const { text, nbspIsBlank } = decodeStatement(query.text, query.clientCharset, source.flavor);
  const dialect = dialectOf(source, query.sqlMode, nbspIsBlank);
  const reader = new TokenReader(new Tokenizer(text, dialect));
  const match: Match = { reader, schema: query.schema, objects: [], parts: [], names: [] };
  return { text, dialect, touches: query.truncated ? null : read(match) };
}

function read(match: Match): Touch[] | null {
  const { reader } = match;
  for (;;) {
    const rule = takeHead(TOUCHES, reader);
    if (rule === undefined) return reader.peek.kind === 'end' || reader.isAt([';']) ? [] : null;
    const { meaning } = rule;
    if (meaning.is === 'nothing') return [];
    if (meaning.is === 'reads') return READERS[meaning.reader](match, meaning);
    const understood = matchAll(rule.rest, match);
    if (meaning.is === 'prefix') continue;
    const { verb, lenient } = meaning;
    return understood ? match.objects.map((object) => ({ ...object, verb, lenient, by: 'text' })) : null;
  }
}

const READERS: Readonly<Record<Reader, (match: Match, meaning: Done) => Touch[] | null>> = {
  'alter-table': readAlter,
  stored: readStored,
  index: readIndex,
  renames: readRenames,
  'user-renames': readUserRenames,
  accounts: readAccounts,
  rights: readRights,
  insert: readInsert,
  replace: readReplace,
  load: readLoad,
  update: readUpdate,
  delete: readDelete,
};

function of(named: Named, verb: Touch['verb'], more: Partial<Touch> = {}): Touch {
  return { type: named.type, schema: named.schema, name: named.name, verb, by: 'text', ...more };
}

function readTable(match: Match): Named | null {
  const name = readName(match);
  return name === undefined ? null : { ...name, type: 'table' };
}

function readAlter(match: Match): Touch[] | null {
  const { reader } = match;
  const lenient = reader.takeWord('IF') && reader.takeWord('EXISTS');
  const table = readTable(match);
  if (table === null) return null;
  if (reader.takeWord('WAIT')) reader.take();
  else reader.takeWord('NOWAIT');
  const { changes, renamedTo, others } = readAlterChanges(match);
  const traded = others.map((other) => of(other.table, other.verb, other.verb === 'alter' ? { changes } : {}));
  const altered = [of(table, 'alter', { changes, lenient }), ...traded];
  return renamedTo === null ? altered : [...altered, of(table, 'rename', { to: renamedTo, lenient })];
}

/** CREATE UNIQUE INDEX i ON t (a) · DROP INDEX i ON t */
function readIndex(match: Match, _meaning: Done): Touch[] | null {
  const { reader } = match;
  if (!reader.skipTo(['ON'])) return null;
  reader.take();
  const table = readTable(match);
  return table === null ? null : [of(table, 'alter', { changes: [{ kind: 'key', column: null, lenient: false }] })];
}

function readRenames(match: Match): Touch[] | null {
  const { reader } = match;
  const lenient = reader.takeWord('IF') && reader.takeWord('EXISTS');
  const found: Touch[] = [];
  do {
    const from = readTable(match);
    if (reader.takeWord('WAIT')) reader.take();
    else reader.takeWord('NOWAIT');
    const to = reader.takeWord('TO') ? readTable(match) : null;
    if (from === null || to === null) return null;
    found.push(of(from, 'rename', { to, lenient }));
  } while (reader.takeWord(','));
  return found;
}

function readUser(match: Match): Named | null {
  const account = readAccount(match);
  return account === undefined ? null : { ...account, type: 'user' };
}

function readUserRenames(match: Match): Touch[] | null {
  const found: Touch[] = [];
  do {
    const from = readUser(match);
    const to = match.reader.takeWord('TO') ? readUser(match) : null;
    if (from === null || to === null) return null;
    found.push(of(from, 'rename', { to }));
  } while (match.reader.takeWord(','));
  return found;
}

/** a IDENTIFIED BY 'x', b REQUIRE SSL */
function readAccounts(match: Match, { verb, lenient }: Done): Touch[] | null {
  const found: Touch[] = [];
  do {
    const user = readUser(match);
    if (user === null) return found.length === 0 ? null : found;
    found.push(of(user, verb, { lenient }));
    match.reader.skipTo([',']);
  } while (match.reader.takeWord(','));
  return found;
}

/** GRANT ... TO a, b · REVOKE ... FROM a · SET PASSWORD FOR a = ... */
function readRights(match: Match, meaning: Done): Touch[] | null {
  if (!match.reader.skipTo(['TO', 'FROM', 'FOR'])) return [];
  match.reader.take();
  return readAccounts(match, meaning);
}

/** REPLACE t VALUES ... */
function readReplace(match: Match): Touch[] | null {
  return readInsert(match)?.map((touch) => ({ ...touch, replaces: true })) ?? null;
}

/** INSERT INTO t (a) ... ON DUPLICATE KEY UPDATE ...; what a query gives is told by names that the text mentions. */
function readInsert(match: Match): Touch[] | null {
  const { reader } = match;
  let lenient = false;
  while (reader.isAt(['LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY', 'IGNORE', 'INTO'])) {
    lenient = reader.take().text.toUpperCase() === 'IGNORE' || lenient;
  }
  const table = readTable(match);
  if (table === null) return null;
  if (reader.takeWord('PARTITION')) reader.skipParentheses();
  const namesColumns = reader.isAt(['SET']) || (reader.isAt(['(']) && !reader.isAt(['SELECT', 'WITH', ')', '('], 1));
  return [of(table, 'insert', { lenient, namesColumns, ...(reader.skipTo(['DUPLICATE']) ? { replaces: true } : {}) })];
}

/** LOAD DATA INFILE 'x' REPLACE INTO TABLE t ... */
function readLoad(match: Match): Touch[] | null {
  const { reader } = match;
  if (!reader.skipTo(['REPLACE', 'TABLE'])) return null;
  const replaces = reader.takeWord('REPLACE');
  if (!reader.skipTo(['TABLE'])) return null;
  reader.take();
  const table = readTable(match);
  return table === null ? null : [of(table, 'insert', replaces ? { replaces } : {})];
}

/** Of several tables the text does not tell which one changes: all count. */
function readUpdate(match: Match): Touch[] | null {
  while (match.reader.takeWord('LOW_PRIORITY', 'IGNORE'));
  const { tables } = readReferences(match, ['SET']);
  if (tables.length === 0) return null;
  return tables.map(({ schema, name }) => of({ type: 'table', schema, name }, 'update'));
}

const AFTER_TABLES: readonly string[] = ['WHERE', 'ORDER', 'LIMIT', 'RETURNING', 'USING', 'FROM', ';'];

/** DELETE FROM a · DELETE a FROM a JOIN b · DELETE FROM a USING a JOIN b: where tables are joined, all count. */
function readDelete(match: Match): Touch[] | null {
  const { reader } = match;
  while (reader.takeWord('LOW_PRIORITY', 'QUICK', 'IGNORE', 'HISTORY'));
  const hasTargets = !reader.takeWord('FROM');
  const targets = readTargets(match);
  const isJoined = hasTargets ? reader.takeWord('FROM') : reader.takeWord('USING');
  const tables = isJoined ? readReferences(match, AFTER_TABLES).tables : targets;
  if (tables.length === 0) return null;
  return tables.map(({ schema, name }) => of({ type: 'table', schema, name }, 'delete'));
}
