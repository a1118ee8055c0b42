import type { IncidentKind, IncidentState } from './incident.ts';
import { Grammar, ruleOf, type Rule } from './syntax.ts';

/** A kind of destructive statement. */
export interface Form {
  readonly kind: IncidentKind;
  /** What is known when the source logged it with an error. */
  readonly afterError: IncidentState;
}

/** Statements that a table cannot tell: a reader of its own decides. */
export type Special = 'alter' | 'delete' | 'update' | 'replace' | 'insert' | 'load' | 'define';

/** What the head of a statement says about it. */
export type Meaning =
  | { readonly is: 'destroys'; readonly form: Form }
  | { readonly is: 'harmless' }
  /** Changes nothing of what the statement after it destroys. */
  | { readonly is: 'prefix' }
  | { readonly is: 'special'; readonly special: Special };

type Row = readonly [kind: IncidentKind, syntax: string, afterError?: IncidentState];

const IF = '[IF EXISTS]';
const WAIT = '[WAIT <value>] [NOWAIT]';
const END = '[RESTRICT|CASCADE]';

/**
 * What destroys by its first words. DROP TEMPORARY is none: what it drops was never anybody else's. A definition that
 * is replaced by another (CREATE OR REPLACE VIEW, ALTER EVENT) is none either; an old sequence or account is gone.
 * Source: MariaDB 10.11 sql/sql_yacc.yy; MySQL 8.4 and 9 manuals, "Data Definition Statements".
 */
const DESTRUCTIVE: readonly Row[] = [
  ['drop-database', `DROP DATABASE|SCHEMA ${IF} <database>`],
  // Error 1051 names the tables that did not exist; the others were dropped. Seen on MySQL 5.6.24.
  ['drop-table', `DROP TABLE|TABLES ${IF} <tables> ${WAIT} ${END}`, 'effective'],
  ['truncate-table', `TRUNCATE [TABLE] <tables> ${WAIT} [DROP|REUSE STORAGE]`],
  ['drop-view', `DROP VIEW ${IF} <views> ${END}`, 'effective'],
  ['drop-view', `DROP MATERIALIZED VIEW ${IF} <views> ${END}`, 'effective'],
  ['drop-trigger', `DROP TRIGGER ${IF} <trigger>`],
  ['drop-routine', `DROP PROCEDURE|FUNCTION|LIBRARY ${IF} <routine>`],
  ['drop-routine', `DROP PACKAGE [BODY] ${IF} <routine>`],
  ['drop-event', `DROP EVENT ${IF} <event>`],
  ['drop-sequence', `DROP SEQUENCE ${IF} <sequences> ${WAIT} ${END}`, 'effective'],
  // Error 1396 names the accounts that could not be dropped; the others were.
  ['drop-user', `DROP USER|ROLE ${IF} <users> ${END}`, 'effective'],
  ['replace-database', 'CREATE OR REPLACE DATABASE|SCHEMA <database> <rest>'],
  // What fails before it drops the old table is not logged. Seen on MariaDB 10.11.19.
  ['replace-table', 'CREATE OR REPLACE TABLE <table> <rest>', 'effective'],
  ['drop-sequence', 'CREATE OR REPLACE SEQUENCE <sequence> <rest>'],
  ['drop-user', 'CREATE OR REPLACE USER|ROLE <users> <rest>'],
  ['rename-table', `RENAME TABLE|TABLES ${IF} <renames>`],
  ['unclassified', 'CREATE OR REPLACE <rest>'],
];

const SPECIAL: readonly (readonly [Special, syntax: string])[] = [
  ['alter', 'ALTER'],
  ['delete', 'DELETE'],
  ['update', 'UPDATE'],
  ['replace', 'REPLACE'],
  ['insert', 'INSERT'],
  ['load', 'LOAD DATA|XML'],
  ['define', 'CREATE OR REPLACE DEFINER'],
];

const PREFIXES: readonly string[] = ['SET STATEMENT <settings> FOR', 'ANALYZE [FORMAT = <value>]', 'WITH <clauses>'];

/** What is logged, or could be, and destroys nothing by itself. What is in no table is `unclassified`. */
const HARMLESS: readonly string[] = [
  'CREATE',
  'CREATE OR REPLACE VIEW|PROCEDURE|FUNCTION|AGGREGATE|PACKAGE|TRIGGER|EVENT|SERVER|INDEX|UNIQUE|TEMPORARY',
  'CREATE OR REPLACE ALGORITHM|SQL|SPATIAL|FULLTEXT|VECTOR|LIBRARY|EXTERNAL|JSON|MATERIALIZED',
  'DROP TEMPORARY|INDEX|PREPARE|SERVER|TABLESPACE|UNDO|LOGFILE|SPATIAL|RESOURCE|COMPRESSION_DICTIONARY',
  'RENAME USER',
  'ANALYZE TABLE|TABLES|LOCAL|NO_WRITE_TO_BINLOG',
  'CHECK|CHECKSUM|OPTIMIZE|REPAIR|CACHE|FLUSH|RESET|PURGE|KILL|SHUTDOWN|RESTART|CLONE|BACKUP|IMPORT',
  'BEGIN|START|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|XA|LOCK|UNLOCK|SET|USE|CHANGE|STOP|BINLOG|HANDLER|HELP',
  'GRANT|REVOKE|INSTALL|UNINSTALL|SHOW|DESCRIBE|DESC|EXPLAIN|LOAD|DO|CALL|SELECT|VALUES|TABLE|(',
  'PREPARE|EXECUTE|DEALLOCATE|SIGNAL|RESIGNAL|GET|DECLARE|IF|CASE|LOOP|WHILE|REPEAT|FOR|RETURN',
];

const RULES: readonly Rule<Meaning>[] = [
  ...DESTRUCTIVE.map(([kind, syntax, afterError = 'unknown']) => {
    return ruleOf<Meaning>(syntax, { is: 'destroys', form: { kind, afterError } });
  }),
  ...SPECIAL.map(([special, syntax]) => ruleOf<Meaning>(syntax, { is: 'special', special })),
  ...PREFIXES.map((syntax) => ruleOf<Meaning>(syntax, { is: 'prefix' })),
  ...HARMLESS.map((syntax) => ruleOf<Meaning>(syntax, { is: 'harmless' })),
];

/** Every statement that is told by its text. */
export const STATEMENTS = new Grammar(RULES);
