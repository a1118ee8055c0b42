import type { IncidentKind } from './incident.ts';
import { Grammar, ruleOf } from './syntax.ts';

/** What one change of an ALTER TABLE does: `kind` is null where it destroys nothing. */
export interface Change {
  readonly kind: IncidentKind | null;
  /** True where the text cannot tell whether anything is lost. */
  readonly suspicious: boolean;
  /** True where table options may follow one another without commas. */
  readonly options: boolean;
}

const END = '[RESTRICT|CASCADE]';
const LOCAL = '[NO_WRITE_TO_BINLOG|LOCAL]';

/**
 * Indexes, keys, constraints and defaults are no data. Partitions that are coalesced, rebuilt or removed keep their rows.
 * DROP SYSTEM VERSIONING deletes all history rows, without any row event.
 * Source: MariaDB 10.11 sql/sql_yacc.yy, alter_list_item; MySQL 8.4 manual, "ALTER TABLE Statement".
 */
const DESTRUCTIVE: readonly (readonly [kind: IncidentKind, syntax: string])[] = [
  ['drop-column', `DROP [COLUMN] [IF EXISTS] <part> ${END}`],
  ['drop-partition', 'DROP PARTITION [IF EXISTS] <parts>'],
  ['truncate-partition', 'TRUNCATE PARTITION <parts>'],
  ['exchange-partition', 'EXCHANGE PARTITION <part> WITH TABLE <table> [WITH|WITHOUT VALIDATION]'],
  ['exchange-partition', 'CONVERT PARTITION <part> TO TABLE <new>'],
  ['exchange-partition', 'CONVERT TABLE <table> TO PARTITION <part> <clause>'],
  ['discard-tablespace', 'DISCARD TABLESPACE'],
  ['discard-tablespace', 'DISCARD PARTITION <parts> TABLESPACE'],
  ['rename-table', 'RENAME [TO|AS|=] <new>'],
  ['mass-delete', 'DROP SYSTEM VERSIONING'],
];

/** The text has the new type only: whether a value is cut depends on the old one. */
const SUSPICIOUS: readonly (readonly [kind: IncidentKind, syntax: string])[] = [
  ['narrow-column', 'MODIFY [COLUMN] [IF EXISTS] <part> <clause>'],
  ['narrow-column', 'CHANGE [COLUMN] [IF EXISTS] <part> <new> <clause>'],
  ['narrow-column', 'CONVERT TO <clause>'],
];

const HARMLESS: readonly string[] = [
  'ADD',
  'ALTER',
  'ALGORITHM|LOCK|FORCE|ENABLE|DISABLE|IMPORT|SECONDARY_LOAD|SECONDARY_UNLOAD',
  'DROP INDEX|KEY|PRIMARY|FOREIGN|CONSTRAINT|CHECK',
  'DROP PERIOD FOR',
  'RENAME COLUMN|INDEX|KEY',
  'CONVERT TO CHARACTER SET UTF8MB4', // holds every character
  'CONVERT TO CHARSET UTF8MB4',
  'WITH|WITHOUT VALIDATION',
  'PARTITION BY',
  'REMOVE|UPGRADE PARTITIONING',
  `ANALYZE|CHECK|COALESCE|OPTIMIZE|REBUILD|REORGANIZE|REPAIR PARTITION ${LOCAL} <parts>`,
  'IMPORT PARTITION <parts>',
  'ORDER BY <rest>', // the last of the list: what commas part in it are columns
];

/** Several may follow one another without commas. An engine may have others: those have an equals sign. */
const OPTIONS: readonly string[] = [
  'AUTO_INCREMENT|AUTOEXTEND_SIZE|AVG_ROW_LENGTH|CHARACTER|CHARSET|CHECKSUM|COLLATE|COMMENT|COMPRESSION|CONNECTION|DATA',
  'DEFAULT|DELAY_KEY_WRITE|ENCRYPTION|ENGINE|ENGINE_ATTRIBUTE|INDEX|INSERT_METHOD|KEY_BLOCK_SIZE|MAX_ROWS|MIN_ROWS',
  'PACK_KEYS|PAGE_CHECKSUM|PASSWORD|ROW_FORMAT|SECONDARY_ENGINE|SECONDARY_ENGINE_ATTRIBUTE|SEQUENCE|START|STORAGE',
  'STATS_AUTO_RECALC|STATS_PERSISTENT|STATS_SAMPLE_PAGES|TABLESPACE|TABLE_CHECKSUM|TRANSACTIONAL|TYPE|UNION',
  'WITH SYSTEM VERSIONING',
];

/** The changes of ALTER TABLE, which commas separate. */
export const CHANGES = new Grammar<Change>([
  ...DESTRUCTIVE.map(([kind, syntax]) => ruleOf(syntax, { kind, suspicious: false, options: false })),
  ...SUSPICIOUS.map(([kind, syntax]) => ruleOf(syntax, { kind, suspicious: true, options: false })),
  ...HARMLESS.map((syntax) => ruleOf(syntax, { kind: null, suspicious: false, options: false })),
  ...OPTIONS.map((syntax) => ruleOf(syntax, { kind: null, suspicious: false, options: true })),
]);

/** What ALTER may be about, other than a table: it changes a definition, a setting, or a sequence's next value. */
export const HARMLESS_TO_ALTER: readonly string[] = [
  ...['DATABASE', 'SCHEMA', 'VIEW', 'EVENT', 'PROCEDURE', 'FUNCTION', 'PACKAGE', 'LIBRARY', 'TRIGGER', 'SEQUENCE'],
  ...['USER', 'ROLE', 'SERVER', 'TABLESPACE', 'UNDO', 'LOGFILE', 'INSTANCE', 'RESOURCE', 'CATALOG'],
  ...['DEFINER', 'ALGORITHM', 'SQL', 'MATERIALIZED', 'JSON', 'EXTERNAL'],
];
