import type { ExpectedIncident, IncidentForm } from './form.ts';

const COLUMNS = [
  'CREATE TABLE a (id INT PRIMARY KEY, v INT, w VARCHAR(100), `index` INT, KEY k (w), KEY v (id, v)) CHARSET utf8',
  "INSERT INTO a VALUES (1, 1, 'x', 1), (2, 2, 'y', 2), (3, 3, 'z', 3)",
];

const DROP_COLUMN: ExpectedIncident = { kind: 'drop-column', objects: ['table $db.a (w)'] };

const DROP_COLUMN_FORMS: readonly (Pick<IncidentForm, 'name' | 'steps' | 'flavor'> & { readonly columns?: string })[] =
  [
    { name: 'DROP COLUMN', steps: ['ALTER TABLE a DROP COLUMN w'] },
    { name: 'DROP of a column without the word', steps: ['alter table a drop w'] },
    { name: 'DROP of a column that is named by a word', steps: ['ALTER TABLE a DROP `index`'], columns: 'index' },
    { name: 'DROP COLUMN IF EXISTS', steps: ['ALTER TABLE a DROP COLUMN IF EXISTS w'], flavor: 'mariadb' },
    { name: 'DROP IF EXISTS of a column', steps: ['ALTER TABLE a DROP IF EXISTS w'], flavor: 'mariadb' },
    { name: 'DROP COLUMN of two', steps: ['ALTER TABLE $db.a DROP COLUMN w, DROP `index`'], columns: 'w, index' },
    {
      name: 'DROP COLUMN behind an ADD',
      steps: ['ALTER TABLE a ADD COLUMN x INT DEFAULT (1), DROP w'],
      flavor: 'mariadb',
    },
    {
      name: 'DROP COLUMN behind an ADD of columns in parentheses',
      steps: ['ALTER TABLE a ADD (x INT, y INT), DROP w'],
    },
    { name: 'DROP COLUMN behind the drop of a key', steps: ['ALTER TABLE a DROP KEY k, DROP COLUMN w'] },
    {
      name: 'DROP COLUMN behind a comment with a comma and DROP in it',
      steps: ["ALTER TABLE a COMMENT = ', DROP KEY k', DROP COLUMN w"],
    },
    { name: 'DROP COLUMN with a way to do it', steps: ['ALTER TABLE a ALGORITHM=COPY, LOCK=SHARED, DROP COLUMN w'] },
    { name: 'DROP COLUMN, ONLINE', steps: ['ALTER ONLINE TABLE a DROP COLUMN w'], flavor: 'mariadb' },
    { name: 'DROP COLUMN, IGNORE', steps: ['ALTER IGNORE TABLE a DROP COLUMN w'] },
    { name: 'DROP COLUMN, TABLE IF EXISTS', steps: ['ALTER TABLE IF EXISTS a DROP COLUMN w'], flavor: 'mariadb' },
    { name: 'DROP COLUMN, WAIT', steps: ['ALTER TABLE a WAIT 5 DROP COLUMN w'], flavor: 'mariadb' },
    {
      name: 'DROP COLUMN in executed comments',
      steps: ['alter table a /*!50000 drop */ /*M!100000 column */ w'],
      flavor: 'mariadb',
    },
    {
      name: 'DROP COLUMN under SET STATEMENT',
      steps: ['SET STATEMENT lock_wait_timeout=9 FOR ALTER TABLE a DROP w'],
      flavor: 'mariadb',
    },
    { name: 'DROP COLUMN under ANSI_QUOTES', steps: ["SET sql_mode = 'ANSI_QUOTES'", 'ALTER TABLE "a" DROP "w"'] },
    { name: 'DROP COLUMN RESTRICT', steps: ['ALTER TABLE a DROP COLUMN w RESTRICT'], flavor: 'mariadb' },
  ];

/** Where a comma or a word may be taken for another one. */
const TRICKY_FORMS: typeof DROP_COLUMN_FORMS = [
  { name: 'CHANGE w x VARCHAR(100), DROP v', steps: ['ALTER TABLE a CHANGE w x VARCHAR(100), DROP v'], columns: 'v' },
  { name: 'ADD with a comment, DROP w', steps: ["ALTER TABLE a ADD x INT DEFAULT 1 COMMENT 'it''s, DROP', DROP w"] },
  { name: 'ADD of an ENUM, DROP w', steps: ["ALTER TABLE a ADD x ENUM('a,b', 'DROP v') DEFAULT 'a,b', DROP w"] },
  {
    name: 'ADD of a computed column, DROP w',
    steps: ['ALTER TABLE a ADD g INT AS (v+1) VIRTUAL, DROP w'],
    flavor: 'mariadb',
  },
  {
    name: 'ADD of a DECIMAL, DROP w',
    steps: ['ALTER TABLE a ADD x DECIMAL(10,2) NOT NULL DEFAULT 0.5 AFTER v, DROP w'],
  },
  {
    name: 'with options that no comma separates, DROP w',
    steps: ['ALTER TABLE a ENGINE=InnoDB ROW_FORMAT=COMPACT, DROP w'],
  },
  {
    name: 'DROP COLUMN and partitions without a comma',
    steps: ['ALTER TABLE a DROP COLUMN w PARTITION BY HASH (id) PARTITIONS 2'],
  },
  { name: 'DROP without a blank anywhere', steps: ['ALTER TABLE`a`DROP`w`,drop`v`'], columns: 'w, v' },
];

const BY_RANGE = [
  `CREATE TABLE a (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10),
   PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN MAXVALUE)`,
  'INSERT INTO a VALUES (1), (11), (21)',
];

const PARTITIONS: readonly IncidentForm[] = [
  {
    name: 'ALTER TABLE DROP PARTITION',
    setup: BY_RANGE,
    steps: ['ALTER TABLE a DROP PARTITION p0'],
    finds: [{ kind: 'drop-partition', objects: ['table $db.a (p0)'] }],
  },
  {
    name: 'ALTER TABLE DROP PARTITION of two',
    setup: BY_RANGE,
    steps: ['ALTER TABLE $db.a drop partition `p0`, p1'],
    finds: [{ kind: 'drop-partition', objects: ['table $db.a (p0, p1)'] }],
  },
  {
    name: 'ALTER TABLE DROP PARTITION IF EXISTS',
    setup: BY_RANGE,
    steps: ['ALTER TABLE a DROP PARTITION IF EXISTS p0'],
    finds: [{ kind: 'drop-partition', objects: ['table $db.a (p0)'] }],
    flavor: 'mariadb',
  },
  {
    name: 'ALTER TABLE TRUNCATE PARTITION',
    setup: BY_RANGE,
    steps: ['ALTER TABLE a TRUNCATE PARTITION p0'],
    finds: [{ kind: 'truncate-partition', objects: ['table $db.a (p0)'] }],
  },
  {
    name: 'ALTER TABLE TRUNCATE PARTITION ALL',
    setup: BY_RANGE,
    steps: ['ALTER TABLE a TRUNCATE PARTITION ALL'],
    finds: [{ kind: 'truncate-partition', objects: ['table $db.a'] }],
  },
  {
    name: 'ALTER TABLE EXCHANGE PARTITION',
    setup: [...BY_RANGE, 'CREATE TABLE x (id INT)'],
    steps: ['ALTER TABLE a EXCHANGE PARTITION p0 WITH TABLE x'],
    finds: [{ kind: 'exchange-partition', objects: ['table $db.a (p0)', 'table $db.x'] }],
  },
  {
    name: 'ALTER TABLE EXCHANGE PARTITION with a table of another schema',
    setup: [...BY_RANGE, 'CREATE DATABASE $db_2', 'CREATE TABLE $db_2.x (id INT)'],
    steps: ['ALTER TABLE a EXCHANGE PARTITION p0 WITH TABLE $db_2.x'],
    finds: [{ kind: 'exchange-partition', objects: ['table $db.a (p0)', 'table $db_2.x'] }],
  },
  {
    name: 'ALTER TABLE CONVERT PARTITION TO TABLE',
    setup: BY_RANGE,
    steps: ['ALTER TABLE a CONVERT PARTITION p0 TO TABLE x'],
    finds: [{ kind: 'exchange-partition', objects: ['table $db.a (p0)'] }],
    flavor: 'mariadb',
  },
  {
    name: 'ALTER TABLE CONVERT TABLE TO PARTITION',
    setup: [
      'CREATE TABLE a (id INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10))',
      'CREATE TABLE x (id INT)',
    ],
    steps: ['ALTER TABLE a CONVERT TABLE x TO PARTITION p1 VALUES LESS THAN (20)'],
    finds: [{ kind: 'exchange-partition', objects: ['table $db.a (p1)', 'table $db.x'] }],
    flavor: 'mariadb',
  },
];

const OTHERS: readonly IncidentForm[] = [
  {
    name: 'ALTER TABLE DISCARD TABLESPACE',
    steps: ['ALTER TABLE a DISCARD TABLESPACE'],
    finds: [{ kind: 'discard-tablespace', objects: ['table $db.a'] }],
  },
  ...[
    ['MODIFY to a smaller type', 'ALTER TABLE a MODIFY w VARCHAR(5)', ' (w)'],
    ['MODIFY COLUMN among others', 'ALTER TABLE a ADD x INT, MODIFY COLUMN v TINYINT', ' (v)'],
    ['CHANGE to a smaller type', 'ALTER TABLE a CHANGE w w CHAR(3)', ' (w)'],
    ['CHANGE COLUMN with a new name', 'ALTER TABLE $db.a CHANGE COLUMN w w2 VARCHAR(100)', ' (w)'],
    ['CONVERT TO a smaller character set', 'ALTER TABLE a CONVERT TO CHARACTER SET latin1', ''],
  ].map(([name = '', statement = '', columns = '']): IncidentForm => ({
    name: `ALTER TABLE ${name}: the log does not know the type before`,
    setup: COLUMNS,
    steps: [statement],
    finds: [{ kind: 'narrow-column', objects: [`table $db.a${columns}`], suspicious: true }],
  })),
  {
    name: 'ALTER TABLE that drops a column and changes another',
    setup: COLUMNS,
    steps: ['ALTER TABLE a MODIFY v TINYINT, DROP COLUMN w'],
    finds: [DROP_COLUMN],
  },
  {
    name: 'ALTER TABLE ENGINE=BLACKHOLE',
    steps: ['ALTER TABLE a ENGINE=BLACKHOLE'],
    finds: [{ kind: 'truncate-table', objects: ['table $db.a'] }],
    flavor: 'mysql',
  },
  {
    name: 'ALTER IGNORE TABLE ADD UNIQUE, which deletes what stands in its way',
    setup: ['CREATE TABLE a (id INT, v INT)', 'INSERT INTO a VALUES (1, 1), (2, 1)'],
    steps: ['ALTER IGNORE TABLE a ADD UNIQUE (v)'],
    finds: [{ kind: 'mass-delete', objects: ['table $db.a'], suspicious: true }],
  },
  {
    name: 'ALTER IGNORE TABLE ADD of columns and a key in parentheses, which does so too',
    setup: ['CREATE TABLE a (id INT, v INT)', 'INSERT INTO a VALUES (1, 1), (2, 1)'],
    steps: ['ALTER IGNORE TABLE a ADD (x INT, UNIQUE KEY (v))'],
    finds: [{ kind: 'mass-delete', objects: ['table $db.a'], suspicious: true }],
  },
  {
    name: 'ALTER IGNORE TABLE CONVERT TO, under whose collation two texts are one',
    setup: [
      'CREATE TABLE a (v VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_bin, UNIQUE (v))',
      "INSERT INTO a VALUES ('a'), ('A')",
    ],
    steps: ['ALTER IGNORE TABLE a CONVERT TO CHARACTER SET utf8mb4'],
    finds: [{ kind: 'mass-delete', objects: ['table $db.a'], suspicious: true }],
  },
  {
    name: 'ALTER IGNORE TABLE ENGINE, which leaves out what breaks a check',
    setup: [
      'CREATE TABLE a (v INT CHECK (v > 0))',
      'SET check_constraint_checks = 0',
      'INSERT INTO a VALUES (0), (1)',
      'SET check_constraint_checks = 1',
    ],
    steps: ['ALTER IGNORE TABLE a ENGINE=MyISAM'],
    finds: [{ kind: 'mass-delete', objects: ['table $db.a'], suspicious: true }],
    flavor: 'mariadb',
  },
  {
    name: 'ALTER TABLE DROP SYSTEM VERSIONING, which deletes what was',
    setup: [
      'CREATE TABLE a (id INT) WITH SYSTEM VERSIONING',
      'INSERT INTO a VALUES (1)',
      'UPDATE a SET id = 2 WHERE id = 1',
    ],
    steps: ['ALTER TABLE a DROP SYSTEM VERSIONING'],
    finds: [{ kind: 'mass-delete', objects: ['table $db.a'] }],
    flavor: 'mariadb',
    leavesNoTrace: true,
  },
  {
    name: 'ALTER TABLE DROP COLUMN in two phases',
    setup: COLUMNS,
    steps: ['SET binlog_alter_two_phase = 1', 'ALTER TABLE a DROP COLUMN w'],
    finds: [{ ...DROP_COLUMN, settledBy: 1 }],
    flavor: 'mariadb',
  },
  {
    name: 'ALTER TABLE DROP COLUMN in two phases that fails',
    setup: ['CREATE TABLE a (id INT PRIMARY KEY, v INT, w INT)', 'INSERT INTO a VALUES (1, 1, 1), (2, 1, 2)'],
    steps: ['SET binlog_alter_two_phase = 1', { fails: 'ALTER TABLE a DROP COLUMN w, ADD UNIQUE (v)' }],
    finds: [{ ...DROP_COLUMN, state: 'rolled-back', settledBy: 1 }],
    flavor: 'mariadb',
  },
];

export const ALTER_FORMS: readonly IncidentForm[] = [
  ...[...DROP_COLUMN_FORMS, ...TRICKY_FORMS].map(({ columns = 'w', ...form }): IncidentForm => ({
    ...form,
    name: `ALTER TABLE ${form.name}`,
    setup: COLUMNS,
    finds: [{ kind: 'drop-column', objects: [`table $db.a (${columns})`] }],
  })),
  ...PARTITIONS,
  ...OTHERS,
];
