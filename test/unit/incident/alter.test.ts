import { describe, expect, it } from 'vitest';
import { MARIADB, summaryOf } from './statements.ts';

/** Changes of `ALTER TABLE t`, what they destroy; the default schema is `shop`. */
type Row = readonly [changes: string, destroys: string];

const COLUMNS: readonly Row[] = [
  ['DROP COLUMN a', 'drop-column shop.t:a'],
  ['DROP a', 'drop-column shop.t:a'],
  ['drop `key`', 'drop-column shop.t:key'],
  ['DROP IF EXISTS a', 'drop-column shop.t:a'],
  ['DROP COLUMN IF EXISTS a CASCADE', 'drop-column shop.t:a'],
  ['DROP a RESTRICT, DROP COLUMN b', 'drop-column shop.t:a:b'],
  ['ADD (x INT, y INT), DROP a', 'drop-column shop.t:a'],
  ["ADD x ENUM('a,b', 'DROP c') DEFAULT 'a,b', DROP a", 'drop-column shop.t:a'],
  ['ADD CONSTRAINT c CHECK (a > 1 OR (b, c) = (1, 2)), DROP a', 'drop-column shop.t:a'],
  ["COMMENT = ', DROP b', DROP a", 'drop-column shop.t:a'],
  ['ALGORITHM=COPY, LOCK=NONE, DROP a', 'drop-column shop.t:a'],
  ['DROP PRIMARY KEY, DROP FOREIGN KEY f, DROP a', 'drop-column shop.t:a'],
  ['DROP period', 'drop-column shop.t:period'],
  ['DROP system', 'drop-column shop.t:system'],
  ['DROP a PARTITION BY HASH (id)', 'drop-column shop.t:a'],
  ['DROP a REMOVE PARTITIONING', 'drop-column shop.t:a'],
  ['DROP a, ORDER BY b, modify', 'drop-column shop.t:a'],
  ['/*!50000 drop */ /*M!100000 column */ a', 'drop-column shop.t:a'],
  ['DROP a, RENAME TO u, MODIFY b INT', 'drop-column shop.t:a'],
  ['DROP a;', 'drop-column shop.t:a'],
  ['DROP a FROM b', 'drop-column shop.t:a ?'],
  ['DROP COLUMN', 'drop-column shop.t ?'],
];

const NARROWED: readonly Row[] = [
  ['MODIFY a TINYINT', 'narrow-column shop.t:a ?'],
  ['MODIFY COLUMN IF EXISTS a DECIMAL(5,2) NOT NULL, ADD b INT', 'narrow-column shop.t:a ?'],
  ['CHANGE a b INT', 'narrow-column shop.t:a ?'],
  ['CHANGE COLUMN `a` `a` VARCHAR(3) AFTER b, MODIFY c INT', 'narrow-column shop.t:a:c ?'],
  ['CONVERT TO CHARACTER SET latin1', 'narrow-column shop.t ?'],
  ['CONVERT TO CHARSET latin1 COLLATE latin1_bin', 'narrow-column shop.t ?'],
];

const PARTITIONS: readonly Row[] = [
  ['DROP PARTITION p0', 'drop-partition shop.t:p0'],
  ['DROP PARTITION IF EXISTS p0, `p 1`', 'drop-partition shop.t:p0:p 1'],
  ['TRUNCATE PARTITION p0, p1', 'truncate-partition shop.t:p0:p1'],
  ['TRUNCATE PARTITION ALL', 'truncate-partition shop.t'],
  ['EXCHANGE PARTITION p0 WITH TABLE u', 'exchange-partition shop.t:p0 shop.u'],
  ['EXCHANGE PARTITION p0 WITH TABLE x.u WITHOUT VALIDATION', 'exchange-partition shop.t:p0 x.u'],
  ['CONVERT PARTITION p0 TO TABLE u', 'exchange-partition shop.t:p0'],
  ['CONVERT TABLE u TO PARTITION p0 VALUES LESS THAN (5)', 'exchange-partition shop.t:p0 shop.u'],
  [
    'REORGANIZE PARTITION p0, p1 INTO (PARTITION p VALUES IN (1, 2), PARTITION q VALUES IN (3))',
    'drop-partition shop.t:p0:p1 ?',
  ],
  ['DISCARD PARTITION p0, p1 TABLESPACE', 'discard-tablespace shop.t:p0:p1'],
];

const OTHERS: readonly Row[] = [
  ['DISCARD TABLESPACE', 'discard-tablespace shop.t'],
  ['RENAME u', 'rename-table shop.t'],
  ['RENAME TO x.u', 'rename-table shop.t'],
  ['RENAME AS u', 'rename-table shop.t'],
  ['RENAME = u', 'rename-table shop.t'],
  ['ADD a INT, RENAME TO u', 'rename-table shop.t'],
  ['DROP SYSTEM VERSIONING', 'mass-delete shop.t'],
  ['ENGINE=BLACKHOLE', 'truncate-table shop.t'],
  ['DROP b, ENGINE=MERGE UNION=(a, b)', 'truncate-table shop.t'],
  ["ROW_FORMAT=DYNAMIC ENGINE 'blackhole' COMMENT 'x'", 'truncate-table shop.t'],
  ['ENCRYPTED=YES ENGINE=BLACKHOLE', 'truncate-table shop.t'],
  ['DROP a, FROBNICATE b', 'drop-column shop.t:a'],
  ['FROBNICATE b', 'unclassified shop.t'],
];

const HARMLESS: readonly string[] = [
  'ADD a INT',
  'ADD COLUMN `drop` INT AFTER b, ADD KEY (a)',
  'ADD UNIQUE (a)',
  'DROP INDEX i',
  'DROP KEY `a`, DROP INDEX IF EXISTS b',
  'DROP PRIMARY KEY',
  'DROP FOREIGN KEY f',
  'DROP CONSTRAINT IF EXISTS c',
  'DROP CHECK c',
  'DROP PERIOD FOR SYSTEM_TIME',
  'ALTER a DROP DEFAULT',
  'ALTER COLUMN a SET DEFAULT (b + 1)',
  'ALTER INDEX i INVISIBLE',
  'RENAME COLUMN a TO b',
  'RENAME KEY a TO b, RENAME INDEX c TO d',
  'CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
  'ENGINE=InnoDB',
  "ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='ENGINE=BLACKHOLE'",
  'ENGINE_DEFINED_BY_A_PLUGIN = 5',
  'FORCE',
  'ORDER BY a, b, modify',
  'DISABLE KEYS',
  'IMPORT TABLESPACE',
  'IMPORT PARTITION p0, p1 TABLESPACE',
  'ADD PARTITION (PARTITION p5 VALUES LESS THAN (6), PARTITION `drop` VALUES LESS THAN (7))',
  'REORGANIZE PARTITION p0, p1 INTO (PARTITION p VALUES LESS THAN (5))',
  'COALESCE PARTITION 2',
  'REBUILD PARTITION p0, `drop`, modify',
  'CHECK PARTITION ALL',
  'REMOVE PARTITIONING',
  'UPGRADE PARTITIONING',
  'ENCRYPTED=YES ENCRYPTION_KEY_ID=2 ENGINE=InnoDB',
  'PARTITION BY RANGE COLUMNS (a, b) (PARTITION p0 VALUES LESS THAN (1, 2))',
  'ADD SYSTEM VERSIONING',
  'WITH SYSTEM VERSIONING',
  'UNION = (a, b), INSERT_METHOD = LAST',
  '',
];

describe('ALTER TABLE', () => {
  it.each([...COLUMNS, ...NARROWED, ...PARTITIONS, ...OTHERS])('finds what %j destroys', (changes, destroys) => {
    expect(summaryOf(`ALTER TABLE t ${changes}`)).toBe(destroys);
  });

  it.each(HARMLESS)('lets %j pass', (changes) => {
    expect(summaryOf(`ALTER TABLE t ${changes}`)).toBe('harmless');
  });

  it('reads what may stand before and behind the name', () => {
    for (const head of ['ALTER ONLINE TABLE t', 'ALTER IGNORE TABLE t', 'ALTER ONLINE IGNORE TABLE `t`']) {
      expect(summaryOf(`${head} DROP a`)).toBe('drop-column shop.t:a');
    }
    expect(summaryOf('ALTER TABLE IF EXISTS t WAIT 5 DROP a')).toBe('drop-column shop.t:a');
    expect(summaryOf('ALTER TABLE t NOWAIT DROP a')).toBe('drop-column shop.t:a');
    expect(summaryOf('ALTER TABLE x . t DROP a')).toBe('drop-column x.t:a');
  });

  it.each([
    'ADD UNIQUE (a)',
    'ADD CONSTRAINT c PRIMARY KEY (a)',
    'ADD b INT, ADD CHECK (a < 10)',
    'ADD (b INT, UNIQUE KEY (a)), ADD c INT',
    'ADD COLUMN b INT DEFAULT (1) UNIQUE',
    'PARTITION BY LIST (a) (PARTITION p VALUES IN (1))',
    'CONVERT TO CHARACTER SET utf8mb4',
    'ENGINE = MyISAM',
    'ROW_FORMAT=DYNAMIC ENGINE Aria COMMENT "x"',
    'ENCRYPTED=YES ENGINE=InnoDB',
    'FORCE, ALGORITHM=COPY',
    'ORDER BY a, b',
  ])('suspects %j of deleting rows where IGNORE lets it', (changes) => {
    expect(summaryOf(`ALTER IGNORE TABLE t ${changes}`)).toBe('mass-delete shop.t ?');
    expect(summaryOf(`ALTER TABLE t ${changes}`)).toBe('harmless');
  });

  it.each([
    ['ADD KEY (a), ADD b INT', 'harmless'],
    ['ADD (b INT, KEY (a)), COMMENT = "ENGINE=MyISAM"', 'harmless'],
    ['ENGINE=BLACKHOLE', 'truncate-table shop.t'],
    ['ADD (b INT, UNIQUE (a)), DROP c', 'drop-column shop.t:c'],
  ])('is sure of what %j does with IGNORE', (changes, destroys) => {
    expect(summaryOf(`ALTER IGNORE TABLE t ${changes}`)).toBe(destroys);
  });

  it('lets a temporary table pass, and no other', () => {
    expect(summaryOf('ALTER TABLE t DROP a', MARIADB, { threadSpecific: true })).toBe('harmless');
    expect(summaryOf('DROP TABLE t', MARIADB, { threadSpecific: true })).toBe('drop-table shop.t');
  });

  const definitions: readonly string[] = [
    'ALTER DATABASE shop CHARACTER SET latin1',
    'ALTER VIEW v AS SELECT 1',
    'ALTER ALGORITHM=MERGE DEFINER=`a`@`b` SQL SECURITY INVOKER VIEW v AS SELECT 1',
    'ALTER DEFINER=`a`@`b` EVENT e DO DROP TABLE t',
    'ALTER PROCEDURE p COMMENT "DROP TABLE t"',
    "ALTER USER u IDENTIFIED BY 'x'",
    'ALTER SEQUENCE s RESTART 1',
    'ALTER TABLESPACE ts ADD DATAFILE "x"',
    'ALTER INSTANCE ROTATE INNODB MASTER KEY',
  ];

  it.each(definitions)('lets %j pass, which is about no table', (statement) => {
    expect(summaryOf(statement)).toBe('harmless');
  });
});
