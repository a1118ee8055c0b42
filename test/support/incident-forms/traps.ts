import { ONE_TABLE, type ExpectedIncident, type IncidentForm } from './form.ts';
import { MANY_ROWS, numbers, ROWS } from './many-rows.ts';

const TRUNCATED: ExpectedIncident = { kind: 'truncate-table', objects: ['table $db.a'] };
const NOSUCH = { setup: [], leavesNoTrace: true } as const;

/** What is not there is dropped all the same, as far as the log tells. */
const MISSING: readonly IncidentForm[] = [
  ['DROP VIEW IF EXISTS nosuch', 'drop-view', 'view $db.nosuch'],
  ['DROP TRIGGER IF EXISTS nosuch', 'drop-trigger', 'trigger $db.nosuch'],
  ['DROP PROCEDURE IF EXISTS nosuch', 'drop-routine', 'routine $db.nosuch'],
  ['DROP FUNCTION IF EXISTS $db.nosuch', 'drop-routine', 'routine $db.nosuch'],
  ['DROP EVENT IF EXISTS nosuch', 'drop-event', 'event $db.nosuch'],
].map(([sql = '', kind, object = '']): IncidentForm => ({
  name: sql,
  ...NOSUCH,
  steps: [sql],
  finds: [{ kind: kind as ExpectedIncident['kind'], objects: [object] }],
}));

const MISSING_ON_MARIADB: readonly IncidentForm[] = [
  ['DROP SEQUENCE IF EXISTS nosuch', 'drop-sequence', 'sequence $db.nosuch'],
  ['DROP USER IF EXISTS $db_nosuch', 'drop-user', 'user $db_nosuch'],
].map(([sql = '', kind, object = '']): IncidentForm => ({
  name: sql,
  ...NOSUCH,
  steps: [sql],
  finds: [{ kind: kind as ExpectedIncident['kind'], objects: [object] }],
  flavor: 'mariadb',
}));

/** The statement fails for one, and is done for the other. */
const HALF_DONE: readonly IncidentForm[] = [
  {
    name: 'DROP VIEW of one that is there and one that is not',
    setup: ['CREATE VIEW v AS SELECT 1 AS one'],
    steps: [{ fails: 'DROP VIEW v, nosuch' }],
    finds: [{ kind: 'drop-view', objects: ['view $db.v', 'view $db.nosuch'] }],
  },
  {
    name: 'DROP USER of one that is there and one that is not',
    setup: ['CREATE USER $db_u'],
    steps: [{ fails: 'DROP USER $db_u, $db_nosuch' }],
    finds: [{ kind: 'drop-user', objects: ['user $db_u', 'user $db_nosuch'] }],
  },
  {
    name: 'DROP SEQUENCE of one that is there and one that is not',
    setup: ['CREATE SEQUENCE s'],
    steps: [{ fails: 'DROP SEQUENCE s, nosuch' }],
    finds: [{ kind: 'drop-sequence', objects: ['sequence $db.s', 'sequence $db.nosuch'] }],
    flavor: 'mariadb',
  },
];

const TEXTS: readonly IncidentForm[] = [
  { name: 'TRUNCATE with a semicolon', steps: ['TRUNCATE a;'], finds: [TRUNCATED] },
  {
    name: 'TRUNCATE as the first of several in one packet',
    steps: ["TRUNCATE a; INSERT INTO a VALUES (9, 9, 'DROP TABLE a')"],
    finds: [TRUNCATED],
  },
  {
    name: 'TRUNCATE as the last of several in one packet',
    steps: ["INSERT INTO a VALUES (9, 9, ';'); TRUNCATE a /* ; */"],
    finds: [{ ...TRUNCATED, group: 1 }],
  },
  {
    name: 'TRUNCATE behind a comment of 200 KB',
    steps: [`/* ${'x'.repeat(200_000)} */ TRUNCATE a`],
    finds: [TRUNCATED],
  },
  {
    name: 'TRUNCATE before a comment of 200 KB',
    steps: [`TRUNCATE a /* ${'x'.repeat(200_000)} */`],
    finds: [TRUNCATED],
  },
  {
    name: 'TRUNCATE under LOCK TABLES',
    steps: ['LOCK TABLES a WRITE', 'TRUNCATE a', 'UNLOCK TABLES'],
    finds: [TRUNCATED],
  },
  {
    name: 'TRUNCATE while a temporary table of another name is there',
    setup: [...ONE_TABLE, 'CREATE TEMPORARY TABLE t (id INT)', 'INSERT INTO t VALUES (1)'],
    steps: ['TRUNCATE a'],
    finds: [TRUNCATED],
  },
  {
    name: 'TRUNCATE after a temporary table of that name is gone',
    setup: [...ONE_TABLE, 'CREATE TEMPORARY TABLE a (id INT)', 'DROP TEMPORARY TABLE a'],
    steps: ['TRUNCATE a'],
    finds: [TRUNCATED],
  },
  {
    name: 'TRUNCATE by one client while another has a temporary table of that name',
    setup: [...ONE_TABLE, 'CREATE TEMPORARY TABLE a (id INT)'],
    steps: [{ byAnother: 'TRUNCATE $db.a' }],
    finds: [TRUNCATED],
  },
];

/** The server marks all that follows in the routine as if it were about a temporary table. */
const MARKED: readonly IncidentForm[] = [
  {
    name: 'TRUNCATE in a routine that asked for CONNECTION_ID()',
    setup: [...ONE_TABLE, 'CREATE PROCEDURE p() BEGIN SET @id = CONNECTION_ID(); TRUNCATE a; END'],
    steps: ['CALL p()'],
    finds: [{ ...TRUNCATED, suspicious: true }],
    findsIn: { ROW: [TRUNCATED] },
  },
  {
    name: 'TRUNCATE in a routine that used a temporary table',
    setup: [
      ...ONE_TABLE,
      `CREATE PROCEDURE p() BEGIN CREATE TEMPORARY TABLE t (id INT); INSERT INTO t SELECT id FROM a;
       TRUNCATE t; TRUNCATE a; END`,
    ],
    steps: ['CALL p()'],
    finds: [{ ...TRUNCATED, group: 3 }],
    findsIn: { ROW: [TRUNCATED] },
  },
  {
    name: 'ALTER TABLE in a block that used a temporary table',
    steps: [
      `BEGIN NOT ATOMIC CREATE OR REPLACE TEMPORARY TABLE t (id INT); INSERT INTO t SELECT id FROM a;
       ALTER TABLE $db.a DROP COLUMN w; END`,
    ],
    finds: [{ kind: 'drop-column', objects: ['table $db.a (w)'], group: 2 }],
    findsIn: { ROW: [{ kind: 'drop-column', objects: ['table $db.a (w)'] }] },
    flavor: 'mariadb',
  },
  {
    name: 'DELETE in a routine that used a temporary table, as text',
    setup: [
      ...ONE_TABLE,
      'CREATE PROCEDURE p() BEGIN CREATE TEMPORARY TABLE t (id INT); DELETE FROM a; DELETE FROM t; END',
    ],
    steps: ['CALL p()'],
    finds: [{ kind: 'mass-delete', objects: ['table $db.a'], group: 1 }],
    formats: ['MIXED', 'STATEMENT'],
  },
];

/** A statement that changed tables without transactions and does not fit the log's cache. */
const LOST: IncidentForm = {
  name: 'an INCIDENT event of the source, which could not log what it had changed',
  setup: ['CREATE TABLE m (id INT, w VARCHAR(1000)) ENGINE=MyISAM', 'SET GLOBAL max_binlog_stmt_cache_size = 4096'],
  steps: [
    { byAnother: `INSERT INTO $db.m SELECT id, REPEAT('x', 900) FROM (${numbers(3)}) n`, fails: true },
    'SET GLOBAL max_binlog_stmt_cache_size = DEFAULT',
  ],
  finds: [{ kind: 'source-incident', objects: [] }],
  formats: ['ROW'],
};

/** A known limit: nothing in the event tells it from the renaming of any table. docs/incidents.md says so. */
const TEMPORARY: IncidentForm = {
  name: 'RENAME TABLE of a temporary table',
  setup: ['CREATE TEMPORARY TABLE t (id INT)'],
  steps: ['RENAME TABLE t TO t2'],
  finds: [{ kind: 'rename-table', objects: ['table $db.t'] }],
  flavor: 'mariadb',
  leavesNoTrace: true,
};

const TOGETHER: readonly IncidentForm[] = [
  {
    name: 'a transaction that deletes from one table and updates another',
    setup: [
      ...MANY_ROWS,
      'CREATE TABLE b (id INT PRIMARY KEY, v INT)',
      'INSERT INTO b SELECT id, v FROM a WHERE id < 11000',
    ],
    steps: ['BEGIN', 'UPDATE b SET v = -1', 'DELETE FROM a WHERE id >= 100', 'COMMIT'],
    finds: [
      {
        kind: 'mass-delete',
        objects: ['table $db.a', 'table $db.b'],
        rows: { deleted: ROWS - 100, updated: 11_000 },
      },
    ],
    formats: ['ROW'],
  },
  {
    name: 'DELETE of parents, whose children go without a word in the log',
    setup: [
      ...MANY_ROWS,
      'CREATE TABLE c (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES a (id) ON DELETE CASCADE)',
      'INSERT INTO c SELECT id FROM a WHERE id < 50',
    ],
    steps: ['DELETE FROM a'],
    finds: [
      { kind: 'mass-delete', objects: ['table $db.a'], rows: { deleted: ROWS, updated: 0 }, cascades: ['$db.c'] },
    ],
    formats: ['ROW'],
    flavor: 'mariadb',
  },
  {
    name: 'DELETE of parents on MySQL, whose log tells of children, but not which',
    setup: [
      ...MANY_ROWS,
      'CREATE TABLE c (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES a (id) ON DELETE CASCADE)',
      'INSERT INTO c SELECT id FROM a WHERE id < 50',
    ],
    steps: ['DELETE FROM a'],
    finds: [{ kind: 'mass-delete', objects: ['table $db.a'], rows: { deleted: ROWS, updated: 0 }, cascades: true }],
    formats: ['ROW'],
    flavor: 'mysql',
  },
];

export const TRAP_FORMS: readonly IncidentForm[] = [
  ...MISSING,
  ...MISSING_ON_MARIADB,
  ...HALF_DONE,
  ...TEXTS,
  ...TOGETHER,
  ...MARKED,
  LOST,
  TEMPORARY,
];
