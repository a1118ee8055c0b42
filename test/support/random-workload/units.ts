import type { Chance } from '../chance.ts';
import { keyOf, quoted, TABLES, TRANSACTIONAL, type RandomTable, type ValueSource } from './tables.ts';

/** Where a unit is written: its schema is the default one of the session. */
export interface UnitContext extends ValueSource {
  readonly chance: Chance;
  readonly schema: string;
  /** A file with lines of a number and a word, for LOAD DATA; null where a replica could not repeat that. */
  readonly loadFile: string | null;
  /** A name that no other unit of the workload has. */
  readonly fresh: string;
}

/** Statements that one session runs one after the other. */
export interface Unit {
  readonly statements: readonly string[];
  /**
   * No other session may come between them: a log of statements has what other engines did in a transaction where that
   * ends, not where it happened, and replicas come out differently.
   */
  readonly alone: boolean;
}

/** What sets up a schema: everything that the units below use. */
export function schemaStatements(chance: Chance, schema: string): string[] {
  const create = TABLES.map((table) => createTable(chance, table));
  return [
    `CREATE DATABASE ${quoted(schema)} CHARACTER SET ${chance.pick(['utf8mb4', 'latin1', 'utf8mb4 COLLATE utf8mb4_unicode_ci'])}`,
    `USE ${quoted(schema)}`,
    ...create,
    `CREATE TRIGGER watched_ai AFTER INSERT ON watched FOR EACH ROW INSERT INTO audit (what, is_now) VALUES ('insert', NEW.n)`,
    `CREATE TRIGGER watched_bu BEFORE UPDATE ON watched FOR EACH ROW BEGIN
       INSERT INTO audit (what, was, is_now) VALUES ('update', OLD.n, NEW.n); SET NEW.note = CONCAT('t:', COALESCE(NEW.note, '')); END`,
    `CREATE TRIGGER watched_ad AFTER DELETE ON watched FOR EACH ROW INSERT INTO audit (what, was) VALUES ('delete', OLD.n)`,
    'CREATE VIEW overview AS SELECT w.id, w.n, a.what FROM watched w LEFT JOIN audit a ON a.is_now = w.n',
    'CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 3 CACHE 5',
    `CREATE FUNCTION doubled(n INT) RETURNS INT DETERMINISTIC RETURN n * 2`,
    `CREATE PROCEDURE fill(IN many INT) BEGIN DECLARE i INT DEFAULT 0;
       WHILE i < many DO INSERT INTO watched (n, note) VALUES (doubled(i), CONCAT('p', i)); SET i = i + 1; END WHILE; END`,
  ];
}

function createTable(chance: Chance, { name, columns, after = '', engines = ['InnoDB'] }: RandomTable): string {
  return `CREATE TABLE ${quoted(name)} (${columns}) ENGINE=${chance.pick(engines)} ${after}`;
}

interface Kind {
  readonly weight: number;
  readonly make: (context: UnitContext) => readonly string[];
  /** Begins a transaction that may touch tables of any engine. */
  readonly alone?: boolean;
}

const KINDS: readonly Kind[] = [
  { weight: 30, make: (context) => [change(context)] },
  { weight: 9, make: (context) => transaction(context, TABLES), alone: true },
  { weight: 9, make: (context) => transaction(context, TRANSACTIONAL) },
  { weight: 3, make: (context) => withSavepoint(context, TABLES), alone: true },
  { weight: 3, make: (context) => withSavepoint(context, TRANSACTIONAL) },
  { weight: 5, make: xa },
  { weight: 4, make: temporaryTable },
  { weight: 4, make: loadData },
  { weight: 4, make: userVariables },
  { weight: 4, make: ({ chance }) => [`CALL fill(${chance.int(4)})`] },
  { weight: 3, make: () => ["INSERT INTO watched (n, note) VALUES (NEXTVAL(numbers), 'next')"] },
  { weight: 8, make: ({ chance }) => [chance.pick(DEFINITIONS)(chance)] },
  { weight: 3, make: copies },
  { weight: 3, make: ({ chance }) => [chance.pick(OBJECTS)(chance)] },
  { weight: 2, make: destruction },
  { weight: 1, make: () => ['FLUSH BINARY LOGS'] },
  { weight: 1, make: accounts },
];

/** A unit of any kind. */
export function randomUnit(context: UnitContext): Unit {
  const { make, alone = false } = context.chance.weighted(KINDS);
  return { statements: make(context), alone };
}

/** One statement that writes rows. */
function change(context: UnitContext, tables: readonly RandomTable[] = TABLES): string {
  const { chance } = context;
  const table = chance.pick(tables);
  const name = quoted(table.name);
  const rows = Array.from({ length: 1 + chance.int(4) }, () => `(${table.values(chance, context)})`).join(', ');
  const insert = `INTO ${name} (${table.into}) VALUES ${rows}`;
  const key = keyOf(table);
  const where =
    key === null
      ? `${name === '`audit`' ? 'was' : 'n'} = ${chance.int(5)}`
      : `${key} ${chance.pick(['<', '>', '='])} ${chance.int(60)}`;
  // Without a key which rows a LIMIT takes is for the server to choose.
  const limit = key === null || chance.percent(50) ? '' : ` ORDER BY ${key} LIMIT ${1 + chance.int(5)}`;
  return chance.weighted([
    { weight: 10, sql: `INSERT ${insert}` },
    { weight: 4, sql: `INSERT IGNORE ${insert}` },
    { weight: 4, sql: `REPLACE ${insert}` },
    { weight: 3, sql: `INSERT ${insert} ON DUPLICATE KEY UPDATE ${table.set(chance)}` },
    { weight: 8, sql: `UPDATE ${name} SET ${table.set(chance)} WHERE ${where}${limit}` },
    { weight: 5, sql: `DELETE FROM ${name} WHERE ${where}${limit}` },
    { weight: 1, sql: 'UPDATE watched w JOIN parent p ON p.id = w.id SET w.n = p.code, p.note = w.note' },
    { weight: 1, sql: 'DELETE c, w FROM child c JOIN watched w ON w.id = c.id WHERE c.id < 5' },
    { weight: 1, sql: 'UPDATE overview SET n = n + 1 WHERE id < 3' },
  ]).sql;
}

function changes(context: UnitContext, tables: readonly RandomTable[]): string[] {
  return Array.from({ length: 1 + context.chance.int(4) }, () => change(context, tables));
}

function ending({ chance }: UnitContext): string {
  return chance.percent(75) ? 'COMMIT' : 'ROLLBACK';
}

function transaction(context: UnitContext, tables: readonly RandomTable[]): string[] {
  return ['START TRANSACTION', ...changes(context, tables), ending(context)];
}

function withSavepoint(context: UnitContext, tables: readonly RandomTable[]): string[] {
  const inner = ['SAVEPOINT `a b`', ...changes(context, tables), 'ROLLBACK TO `a b`', ...changes(context, tables)];
  return ['BEGIN', ...changes(context, tables), ...inner, ending(context)];
}

/** Locks its own rows only: what is prepared keeps its locks, and a replica waits for them where the primary did not have to. */
function changeByKey(context: UnitContext): string {
  const { chance } = context;
  const table = chance.pick(TABLES.filter(({ name }) => LOCKING_BY_KEY.has(name)));
  const { name, into } = table;
  if (chance.percent(60)) return `INSERT INTO ${name} (${into}) VALUES (${table.values(chance, context)})`;
  return chance.percent(50)
    ? `UPDATE ${name} SET ${table.set(chance)} WHERE id = ${chance.int(60)}`
    : `DELETE FROM ${name} WHERE id = ${chance.int(60)}`;
}

const LOCKING_BY_KEY = new Set(['computed', 'watched']);

function xa(context: UnitContext): readonly string[] {
  const { chance, fresh } = context;
  const xid = chance.percent(50) ? `'${fresh}'` : `x'00${Buffer.from(fresh).toString('hex')}', 'b\\0', 7`;
  const inside = [
    `XA START ${xid}`,
    ...Array.from({ length: 1 + chance.int(3) }, () => changeByKey(context)),
    `XA END ${xid}`,
  ];
  if (chance.percent(25)) return [...inside, `XA COMMIT ${xid} ONE PHASE`];
  return [
    ...inside,
    `XA PREPARE ${xid}`,
    ...(chance.percent(20) ? [] : [`XA ${chance.pick(['COMMIT', 'ROLLBACK'])} ${xid}`]),
  ];
}

function temporaryTable({ chance, fresh }: UnitContext): readonly string[] {
  const name = `tmp_${fresh}`;
  const engine = chance.pick(['InnoDB', 'MEMORY', 'Aria']);
  return [
    `CREATE TEMPORARY TABLE ${name} (n INT, note VARCHAR(60)) ENGINE=${engine}`,
    `INSERT INTO ${name} VALUES (${chance.int(50)}, 'one'), (${chance.int(50)}, 'two')`,
    `INSERT INTO keyless (n, note) SELECT n, note FROM ${name} ORDER BY n, note`,
    ...(chance.percent(50) ? [`DROP TEMPORARY TABLE ${name}`] : []),
  ];
}

function loadData(context: UnitContext): readonly string[] {
  const { chance, loadFile } = context;
  if (loadFile === null) return [change(context)];
  const how = chance.pick(['IGNORE', 'REPLACE', 'IGNORE']);
  const set = chance.percent(50) ? " SET note = CONCAT('l:', note)" : '';
  const [table, columns] = chance.pick([
    ['parts', 'id, note'],
    ['keyless', 'n, note'],
    ['watched', 'n, note'],
  ]);
  return [`LOAD DATA INFILE '${loadFile}' ${how} INTO TABLE ${table} FIELDS TERMINATED BY ',' (${columns})${set}`];
}

function userVariables({ chance, repeatable }: UnitContext): readonly string[] {
  return [
    `SET @n = ${chance.pick(['7', '-7.25', '1e10', 'NULL', '18446744073709551615'])}, @t = ${chance.pick([`'${chance.text()}'`, "_latin1 x'E4FF'", 'NULL'])}`,
    'INSERT INTO keyless (n, note, more) VALUES (MOD(@n, 5), LEFT(@t, 20), @t)',
    `INSERT INTO watched (n, note) VALUES (LAST_INSERT_ID(), ${repeatable ? "'again'" : 'CONNECTION_ID()'})`,
    'INSERT INTO keyless (n, note) VALUES (FLOOR(RAND() * 5), RAND(3))',
  ];
}

const DEFINITIONS: readonly ((chance: Chance) => string)[] = [
  (c) =>
    `ALTER TABLE ${quoted(c.pick(TABLES).name)} ADD COLUMN IF NOT EXISTS extra${c.int(3)} ${c.pick(['INT DEFAULT 5', "VARCHAR(9) NOT NULL DEFAULT 'x'", 'DATETIME(2) NULL'])}`,
  (c) => `ALTER TABLE ${quoted(c.pick(TABLES).name)} DROP COLUMN IF EXISTS extra${c.int(3)}`,
  (c) =>
    `ALTER TABLE ${quoted(c.pick(TABLES.filter(({ engines }) => engines !== undefined)).name)} ENGINE=${c.pick(['InnoDB', 'MyISAM', 'Aria'])}`,
  () => 'ALTER TABLE watched MODIFY note VARCHAR(100)',
  () => 'CREATE INDEX IF NOT EXISTS by_n ON watched (n)',
  () => 'DROP INDEX IF EXISTS by_n ON watched',
  (c) => `CREATE OR REPLACE TABLE made${c.int(3)} LIKE computed`,
  (c) => `DROP TABLE IF EXISTS made${c.int(3)}, never_there`,
  (c) => `RENAME TABLE made${c.int(3)} TO made${c.int(3)}`,
  () =>
    'ALTER TABLE parts REORGANIZE PARTITION mid INTO (PARTITION mid1 VALUES LESS THAN (30), PARTITION mid2 VALUES LESS THAN (40))',
  () => "ALTER TABLE wide MODIFY en ENUM('a','b,c','ü','more')",
  () => 'OPTIMIZE TABLE watched',
  () => 'ALTER SEQUENCE numbers RESTART 500',
  () => "ALTER TABLE keyless COMMENT = 'it''s; --'",
];

function copies({ chance, fresh }: UnitContext): readonly string[] {
  return chance.pick<readonly string[]>([
    [
      `CREATE TABLE copy_${fresh} ENGINE=${chance.pick(['InnoDB', 'Aria'])} SELECT id, n, note FROM watched ORDER BY id`,
    ],
    ['INSERT INTO keyless (n, note) SELECT MOD(id, 5), note FROM watched ORDER BY id'],
    ['INSERT INTO watched (n, note) SELECT code, note FROM parent ORDER BY id LIMIT 3'],
  ]);
}

const OBJECTS: readonly ((chance: Chance) => string)[] = [
  (c) => `CREATE OR REPLACE VIEW shown${c.int(2)} AS SELECT n, COUNT(*) AS many FROM keyless GROUP BY n`,
  (c) => `DROP VIEW IF EXISTS shown${c.int(2)}`,
  (c) =>
    `CREATE OR REPLACE FUNCTION f${c.int(2)}(x VARCHAR(20)) RETURNS VARCHAR(40) DETERMINISTIC RETURN CONCAT(x, '${c.text()}')`,
  (c) => `DROP FUNCTION IF EXISTS f${c.int(2)}`,
  (c) =>
    `CREATE OR REPLACE EVENT e${c.int(2)} ON SCHEDULE EVERY ${1 + c.int(9)} HOUR STARTS '2036-01-01 00:00:00' DO DELETE FROM keyless`,
  (c) => `DROP EVENT IF EXISTS e${c.int(2)}`,
  () => "CREATE OR REPLACE TRIGGER keyless_bi BEFORE INSERT ON keyless FOR EACH ROW SET NEW.more = CONCAT('k', NEW.n)",
  () => 'DROP TRIGGER IF EXISTS keyless_bi',
];

function destruction({ chance, schema }: UnitContext): readonly string[] {
  const table = quoted(chance.pick(TABLES).name);
  return chance.pick<readonly string[]>([
    [`TRUNCATE TABLE ${table}`],
    [`DELETE FROM ${table}`],
    ['SET STATEMENT foreign_key_checks = 0 FOR DROP TABLE IF EXISTS audit', `USE ${quoted(schema)}`],
    ['ALTER TABLE parts TRUNCATE PARTITION low'],
    ['DROP VIEW IF EXISTS overview'],
    [
      'CREATE DATABASE IF NOT EXISTS `gone soon`',
      'CREATE TABLE IF NOT EXISTS `gone soon`.t (i INT)',
      'DROP DATABASE `gone soon`',
    ],
  ]);
}

function accounts({ fresh }: UnitContext): readonly string[] {
  return [
    `CREATE USER '${fresh}'@'%' IDENTIFIED BY 'pw-${fresh}'`,
    `GRANT SELECT, INSERT (n) ON watched TO '${fresh}'@'%'`,
  ];
}
