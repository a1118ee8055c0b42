import type { QueryEvent } from '../../../binlog/group.ts';
import type { Dialect, Source } from '../../../incident/dialect.ts';
import { decodeStatement } from '../../../incident/statement-text.ts';
import { keywordOf, TokenReader } from '../../../incident/token-reader.ts';
import { Tokenizer } from '../../../incident/tokenizer.ts';
import { NameFilter } from '../../../recovery/consequences/name-filter.ts';
import { readStatement } from '../../../recovery/consequences/statement-touches.ts';
import type { Touch } from '../../../recovery/consequences/touch.ts';
import { plainWords } from './schema-words.ts';

/** What one statement may have to do with, as far as its text tells. */
export interface StatementSchemas {
  /** Where names without a schema are; '' is none. */
  readonly schema: string;
  /** Words of its text in lower case, each of which may be a schema's name. */
  readonly words: readonly string[];
  /** What it does to objects; null: it cannot be read. */
  readonly touches: readonly Touch[] | null;
  /** True when it runs anew on what it finds: it may use triggers, views and functions that it does not name. */
  readonly isText: boolean;
  /** True when something stays of it that may use later what its text names. */
  readonly defines: boolean;
  /** Why it may do something in any schema; null: it does not. */
  readonly doubt: string | null;
}

/** Statements that run functions, or read rows, without being about rows. */
const RUNS = /\b(?:select|do|call|load|values|with)\b/i;
const STORED: readonly Touch['type'][] = ['view', 'trigger', 'routine', 'event'];
const ROW_VERBS: readonly Touch['verb'][] = ['insert', 'update', 'delete'];
/** Tables of the server itself. */
const OWN = /\b(?:mysql|information_schema|performance_schema|sys)[`"]?\s*\./i;
const SONAME = /\bsoname\b/i;
const OF_THE_SERVER: ReadonlySet<string> = new Set(['SERVER', 'TABLESPACE', 'UNDO', 'LOGFILE', 'RESOURCE', 'INSTANCE']);
const INSTALLS: ReadonlySet<string> = new Set(['INSTALL', 'UNINSTALL']);

/** Reads a statement of the log. Pure; errs to the safe side. */
export function readSchemas(query: QueryEvent, source: Source): StatementSchemas {
  const { schema } = query;
  if (NameFilter.isAboutRows(query)) {
    const { text } = decodeStatement(query.text, query.clientCharset, source.flavor);
    const doubt = query.truncated ? 'is too large to be read' : doubtOfText(text);
    return { schema, words: plainWords(text), touches: [], isText: true, defines: false, doubt };
  }
  const { text, touches, dialect } = readStatement(query, source);
  if (touches === null) return { schema, words: [], touches, isText: true, defines: false, doubt: 'cannot be read' };
  if (touches.length > 0 && touches.every(({ type }) => type === 'user'))
    return { ...rightsOf(text, schema), touches, isText: false, defines: false, doubt: null };
  const isFlush = touches.length === 0 && flushesServer(text, dialect);
  return {
    schema: isFlush ? 'mysql' : schema,
    words: plainWords(text),
    touches,
    ...natureOf({ text, dialect, touches }),
  };
}

function natureOf({
  text,
  dialect,
  touches,
}: {
  readonly text: string;
  readonly dialect: Dialect;
  readonly touches: readonly Touch[];
}): Pick<StatementSchemas, 'isText' | 'defines' | 'doubt'> {
  const isStored = touches.some(({ type }) => STORED.includes(type));
  const isAboutRows = touches.some(({ verb }) => ROW_VERBS.includes(verb));
  const isText = isAboutRows || (!isStored && RUNS.test(text));
  const defines = touches.length > 0 && !isAboutRows;
  if (SONAME.test(text) || (touches.length === 0 && isOfServer(text, dialect)))
    return { isText, defines, doubt: 'may be about the server itself' };
  return { isText, defines, doubt: isText ? doubtOfText(text) : null };
}

/** CREATE [OR REPLACE] SERVER, ALTER TABLESPACE, INSTALL PLUGIN, ... */
function isOfServer(text: string, dialect: Dialect): boolean {
  const reader = new TokenReader(new Tokenizer(text, dialect));
  const [first = '', second = '', , fourth = ''] = Array.from({ length: 4 }, () => keywordOf(reader.take()));
  return INSTALLS.has(first) || OF_THE_SERVER.has(second === 'OR' ? fourth : second);
}

/** FLUSH PRIVILEGES, ...: what was written into `mysql` counts from then on, whatever schema was the default one. */
function flushesServer(text: string, dialect: Dialect): boolean {
  const reader = new TokenReader(new Tokenizer(text, dialect));
  return keywordOf(reader.take()) === 'FLUSH' && !['TABLE', 'TABLES'].includes(keywordOf(reader.take()));
}

function doubtOfText(text: string): string | null {
  return OWN.test(text) ? 'uses tables of the server itself in text form' : null;
}

const NAME = '(`(?:[^`]|``)+`|[\\w$]+|\\*)';
const RIGHTS_ON = new RegExp(
  `\\bON\\s+(?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE(?:\\s+BODY)?)\\s+)?(?:${NAME}\\s*\\.\\s*)?${NAME}\\s+(?:TO|FROM)\\b`,
  'i',
);

/** Accounts are everybody's, and rights on whole schemas need no schema. Rights on one object are of its schema. */
function rightsOf(text: string, schema: string): Pick<StatementSchemas, 'schema' | 'words'> {
  const [, inSchema, name] = RIGHTS_ON.exec(text) ?? [];
  if (name === undefined && /\bON\b/i.test(text)) return { schema, words: plainWords(text) };
  if (name === undefined || name === '*') return { schema: '', words: [] };
  return { schema: inSchema === undefined ? schema : '', words: plainWords(inSchema ?? '') };
}
