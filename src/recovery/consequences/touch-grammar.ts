import { Grammar, ruleOf, type Rule } from '../../incident/syntax.ts';
import type { Verb } from './touch.ts';

/** Statements whose objects no table can tell: a reader of its own does. */
export type Reader =
  | 'alter-table'
  | 'stored'
  | 'index'
  | 'renames'
  | 'user-renames'
  | 'accounts'
  | 'rights'
  | 'insert'
  | 'replace'
  | 'load'
  | 'update'
  | 'delete';

/** What the head of a statement says of what it touches. */
export type TouchMeaning =
  | { readonly is: 'does'; readonly verb: Verb; readonly lenient: boolean }
  | { readonly is: 'reads'; readonly reader: Reader; readonly verb: Verb; readonly lenient: boolean }
  /** Does nothing to objects, but may read some. */
  | { readonly is: 'nothing' }
  | { readonly is: 'prefix' };

const IF = 'IF EXISTS';
const NOT = 'IF NOT EXISTS';

/** Objects stand at once behind these heads. Source: MariaDB 10.11 sql/sql_yacc.yy; MySQL 8.4 manual, "Data Definition Statements". */
const DOES: readonly (readonly [Verb, syntax: string])[] = [
  ...withGuard('drop', 'DROP', [
    ['DATABASE|SCHEMA', '<database>'],
    ['TABLE|TABLES', '<tables>'],
    ['VIEW', '<views>'],
    ['MATERIALIZED VIEW', '<views>'],
    ['TRIGGER', '<trigger>'],
    ['PROCEDURE|FUNCTION|LIBRARY|PACKAGE', '<routine>'],
    ['PACKAGE BODY', '<routine>'],
    ['EVENT', '<event>'],
    ['SEQUENCE', '<sequences>'],
  ]),
  ['create', 'CREATE DATABASE|SCHEMA <database>'],
  ['ensure', `CREATE DATABASE|SCHEMA ${NOT} <database>`],
  ['replace', 'CREATE OR REPLACE DATABASE|SCHEMA <database>'],
  ['create', 'CREATE TABLE <table>'],
  ['ensure', `CREATE TABLE ${NOT} <table>`],
  ['replace', 'CREATE OR REPLACE TABLE <table>'],
  ...[
    ['SEQUENCE', '<sequence>'],
    ['VIEW', '<views>'],
    ['TRIGGER', '<trigger>'],
    ['PROCEDURE|FUNCTION|PACKAGE', '<routine>'],
    ['PACKAGE BODY', '<routine>'],
    ['EVENT', '<event>'],
  ].flatMap(([head = '', object = '']): [Verb, string][] => [
    ['create', `CREATE ${head} ${object}`],
    ['ensure', `CREATE ${head} ${NOT} ${object}`],
    ['replace', `CREATE OR REPLACE ${head} ${object}`],
    ['alter', `ALTER ${head} ${object}`],
  ]),
  ['truncate', 'TRUNCATE [TABLE] <tables>'],
  ['alter', 'ALTER DATABASE|SCHEMA [UPGRADE] <database>'],
];

function withGuard(verb: Verb, word: string, forms: readonly (readonly [string, string])[]): [Verb, string][] {
  return forms.flatMap(([head, objects]): [Verb, string][] => [
    [verb, `${word} ${head} ${objects}`],
    [verb, `${word} ${head} ${IF} ${objects}`],
  ]);
}

type ReaderRow = readonly [reader: Reader, verb: Verb, syntax: string];

const READS: readonly ReaderRow[] = [
  ['alter-table', 'alter', 'ALTER TABLE'],
  ['alter-table', 'alter', 'ALTER ONLINE|IGNORE TABLE'],
  ['alter-table', 'alter', 'ALTER ONLINE IGNORE TABLE'],
  ['stored', 'create', 'CREATE ALGORITHM|DEFINER|SQL|AGGREGATE'],
  ['stored', 'replace', 'CREATE OR REPLACE ALGORITHM|DEFINER|SQL|AGGREGATE'],
  ['stored', 'alter', 'ALTER ALGORITHM|DEFINER|SQL'],
  ['index', 'alter', 'CREATE INDEX|UNIQUE|FULLTEXT|SPATIAL'],
  ['index', 'alter', 'CREATE OR REPLACE INDEX|UNIQUE|FULLTEXT|SPATIAL'],
  ['index', 'alter', 'DROP INDEX'],
  ['renames', 'rename', 'RENAME TABLE|TABLES'],
  ['user-renames', 'rename', 'RENAME USER'],
  ['accounts', 'create', 'CREATE USER|ROLE'],
  ['accounts', 'ensure', `CREATE USER|ROLE ${NOT}`],
  ['accounts', 'replace', 'CREATE OR REPLACE USER|ROLE'],
  ['accounts', 'drop', 'DROP USER|ROLE'],
  ['accounts', 'drop', `DROP USER|ROLE ${IF}`],
  ['accounts', 'rights', 'ALTER USER|ROLE'],
  ['accounts', 'rights', `ALTER USER|ROLE ${IF}`],
  ['rights', 'rights', 'GRANT|REVOKE'],
  ['rights', 'rights', 'SET PASSWORD|DEFAULT|ROLE'],
  ['insert', 'insert', 'INSERT'],
  ['replace', 'insert', 'REPLACE'],
  ['load', 'insert', 'LOAD DATA|XML'],
  ['update', 'update', 'UPDATE'],
  ['delete', 'delete', 'DELETE'],
];

/** Of these the names that they mention are looked at. */
const NOTHING: readonly string[] = [
  'CREATE TEMPORARY|SERVER|TABLESPACE|LOGFILE|RESOURCE|UNDO',
  'CREATE OR REPLACE TEMPORARY|SERVER',
  'DROP TEMPORARY|PREPARE|SERVER|TABLESPACE|UNDO|LOGFILE|RESOURCE',
  'ALTER SERVER|TABLESPACE|UNDO|LOGFILE|INSTANCE|RESOURCE',
  'ANALYZE TABLE|TABLES|LOCAL|NO_WRITE_TO_BINLOG',
  'CHECK|CHECKSUM|OPTIMIZE|REPAIR|CACHE|FLUSH|RESET|PURGE',
  'BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|XA|LOCK|UNLOCK|SET|USE',
  'SELECT|DO|VALUES|TABLE|(|CALL|INSTALL|UNINSTALL',
];

const PREFIXES: readonly string[] = ['SET STATEMENT <settings> FOR', 'ANALYZE [FORMAT = <value>]', 'WITH <clauses>'];

const isLenient = (syntax: string): boolean => syntax.includes(IF);

const RULES: readonly Rule<TouchMeaning>[] = [
  ...DOES.map(([verb, syntax]) => ruleOf<TouchMeaning>(syntax, { is: 'does', verb, lenient: isLenient(syntax) })),
  ...READS.map(([reader, verb, syntax]) =>
    ruleOf<TouchMeaning>(syntax, { is: 'reads', reader, verb, lenient: isLenient(syntax) }),
  ),
  ...NOTHING.map((syntax) => ruleOf<TouchMeaning>(syntax, { is: 'nothing' })),
  ...PREFIXES.map((syntax) => ruleOf<TouchMeaning>(syntax, { is: 'prefix' })),
];

/** Statements by what they touch. What is not in it is not understood. */
export const TOUCHES = new Grammar(RULES);
