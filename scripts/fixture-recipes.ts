/** How one file is made. */
export interface Recipe {
  readonly name: string;
  readonly about: string;
  readonly args: readonly string[];
  readonly sql: readonly string[];
}

export const LOAD_FILE = 'rows.txt';

const BOTH_ENGINES = [
  'CREATE DATABASE shop',
  'USE shop',
  'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(300)) ENGINE=InnoDB',
  'CREATE TABLE m (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=MyISAM',
  "INSERT INTO t (v) VALUES ('one'), ('two')",
  'BEGIN',
  "INSERT INTO t (v) VALUES ('three')",
  'SAVEPOINT a',
  "INSERT INTO m VALUES (1, 'stays')",
  "INSERT INTO t (v) VALUES ('gone')",
  'ROLLBACK TO SAVEPOINT a',
  "UPDATE t SET v = 'THREE' WHERE id = 3",
  'COMMIT',
  'BEGIN',
  "INSERT INTO m VALUES (2, 'stays too')",
  "INSERT INTO t (v) VALUES ('gone too')",
  'ROLLBACK',
];
const DESTRUCTION = ['TRUNCATE TABLE t', 'DROP TABLE m', 'DROP DATABASE shop'];
const XA = [
  "XA START 'both'",
  "INSERT INTO t (v) VALUES ('prepared')",
  "XA END 'both'",
  "XA PREPARE 'both'",
  "XA COMMIT 'both'",
  "XA START 'one'",
  "INSERT INTO t (v) VALUES ('one phase')",
  "XA END 'one'",
  "XA COMMIT 'one' ONE PHASE",
];
const ANOTHER_DOMAIN = ['SET gtid_domain_id = 1', "INSERT INTO t (v) VALUES ('of domain 1')", 'SET gtid_domain_id = 0'];
const SMALL_LOG = [
  'CREATE DATABASE shop',
  'CREATE TABLE shop.t (a INT) ENGINE=InnoDB',
  'INSERT INTO shop.t VALUES (1), (2)',
];

export const MARIADB: readonly Recipe[] = [
  {
    name: 'mariadb-10.11/row.000001',
    about: 'row events, XA, two replication domains, tables without transactions',
    args: ['--binlog-format=ROW', '--binlog-checksum=CRC32'],
    sql: [...BOTH_ENGINES, ...XA, ...ANOTHER_DOMAIN, ...DESTRUCTION],
  },
  {
    name: 'mariadb-10.11/statement.000001',
    about: 'statements with INTVAR, RAND and USER_VAR before them, LOAD DATA, a temporary table',
    args: ['--binlog-format=STATEMENT', '--binlog-checksum=CRC32', '--secure-file-priv=', '--local-infile=1'],
    sql: [
      ...BOTH_ENGINES,
      'SET @name = "user variable"',
      'INSERT INTO t (v) VALUES (@name)',
      'INSERT INTO t (v) VALUES (RAND())',
      'CREATE TEMPORARY TABLE temporary (a INT)',
      `LOAD DATA INFILE '${LOAD_FILE}' INTO TABLE t (v)`,
      ...DESTRUCTION,
    ],
  },
  {
    name: 'mariadb-10.11/checksum-none.000001',
    about: 'no checksums',
    args: ['--binlog-format=MIXED', '--binlog-checksum=NONE'],
    sql: [...SMALL_LOG, 'DROP TABLE shop.t'],
  },
  {
    name: 'mariadb-10.11/compressed.000001',
    about: 'compressed events',
    args: ['--binlog-format=STATEMENT', '--log-bin-compress=ON', '--log-bin-compress-min-len=10'],
    sql: [
      ...SMALL_LOG,
      `INSERT INTO shop.t VALUES ${Array.from({ length: 200 }, (_, n) => `(${n})`).join(',')}`,
      'BEGIN',
      'UPDATE shop.t SET a = a + 1 WHERE a > 100',
      'COMMIT',
      'SET SESSION binlog_format = ROW',
      'DELETE FROM shop.t WHERE a < 100',
      'DROP TABLE shop.t',
    ],
  },
];

export const MYSQL: readonly Recipe[] = [
  {
    name: 'mysql-5.6/gtid-on.000001',
    about: 'GTIDs',
    args: ['--binlog-format=ROW', '--binlog-checksum=CRC32'],
    sql: [
      ...SMALL_LOG,
      'BEGIN',
      'INSERT INTO shop.t VALUES (3)',
      'UPDATE shop.t SET a = 4',
      'COMMIT',
      'DROP TABLE shop.t',
    ],
  },
  {
    name: 'mysql-5.6/gtid-off.000001',
    about: 'no GTIDs: groups are known by BEGIN, COMMIT and XID alone',
    args: [
      '--binlog-format=STATEMENT',
      '--gtid-mode=OFF',
      '--skip-enforce-gtid-consistency',
      '--binlog-checksum=CRC32',
    ],
    sql: [...BOTH_ENGINES, ...DESTRUCTION],
  },
];

export const RELAY: Recipe = {
  name: 'mariadb-10.11/relay.000002',
  about: "a replica's relay log: end positions count in the primary's file",
  args: ['--binlog-format=ROW', '--server-id=102', '--relay-log=relay', '--relay-log-purge=0'],
  sql: [...SMALL_LOG, 'DROP TABLE shop.t'],
};
export const ENCRYPTED: Recipe = {
  name: 'mariadb-10.11/encrypted.000001',
  about: 'encrypted on disk; encrypted-streamed.000001 is the same file as the server sends it',
  args: ['--encrypt-binlog=ON', '--plugin-load-add=file_key_management', '--file-key-management-filename=KEYS'],
  sql: [...SMALL_LOG, 'DROP TABLE shop.t'],
};
export const TORN: Recipe = {
  name: 'mariadb-10.11/torn.000001',
  about: 'the disk was full in the middle of an event, then the server was killed (SIGKILL)',
  args: ['--binlog-format=ROW', '--log-bin=TMPFS/binlog', '--log-bin-index=TMPFS/binlog'],
  sql: [
    ...SMALL_LOG.slice(0, 1),
    'CREATE TABLE shop.t (a LONGTEXT) ENGINE=InnoDB',
    "INSERT INTO shop.t VALUES (REPEAT('x', 40000))",
  ],
};
