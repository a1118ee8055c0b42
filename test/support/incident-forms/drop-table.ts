import { ONE_TABLE, type IncidentForm } from './form.ts';

const TABLE_B = 'CREATE TABLE b (id INT PRIMARY KEY)';
const NO_TRACE = { leavesNoTrace: true } as const;

/** The table `a` is dropped, in many words. */
const WORDINGS: readonly Pick<IncidentForm, 'name' | 'steps' | 'flavor'>[] = [
  { name: 'DROP TABLE', steps: ['DROP TABLE a'] },
  { name: 'in lower case', steps: ['drop table a'] },
  { name: 'DROP TABLES', steps: ['DROP TABLES a'], flavor: 'mariadb' },
  { name: 'with its schema', steps: ['DROP TABLE $db.a'] },
  { name: 'with its schema, and blanks around the dot', steps: ['DROP TABLE `$db` . `a`'] },
  { name: 'IF EXISTS', steps: ['DROP TABLE IF EXISTS a'] },
  { name: 'RESTRICT', steps: ['DROP TABLE a RESTRICT'] },
  { name: 'CASCADE', steps: ['DROP TABLE a CASCADE'] },
  { name: 'WAIT', steps: ['DROP TABLE a WAIT 5'], flavor: 'mariadb' },
  { name: 'NOWAIT', steps: ['DROP TABLE IF EXISTS a NOWAIT'], flavor: 'mariadb' },
  { name: 'with comments between all words', steps: ['/* x */DROP/**/TABLE/* y */IF -- z\n EXISTS # u\n a /* v */'] },
  { name: 'in executed comments', steps: ['/*!40000 DROP */ /*!50001 TABLE */ a'] },
  { name: 'in a comment for MariaDB', steps: ['/*M!100000 DROP */ TABLE a'], flavor: 'mariadb' },
  { name: 'in a comment for all versions', steps: ['DROP /*! TABLE */ a'] },
  { name: 'under SET STATEMENT', steps: ['SET STATEMENT max_statement_time=100 FOR DROP TABLE a'], flavor: 'mariadb' },
  { name: 'prepared', steps: ["PREPARE s FROM 'DROP TABLE a'", 'EXECUTE s', 'DEALLOCATE PREPARE s'] },
  { name: 'EXECUTE IMMEDIATE', steps: ["EXECUTE IMMEDIATE CONCAT('DROP', ' TABLE a')"], flavor: 'mariadb' },
  { name: 'in a block', steps: ['BEGIN NOT ATOMIC DROP TABLE a; END'], flavor: 'mariadb' },
  { name: 'under ANSI_QUOTES', steps: ["SET sql_mode = 'ANSI_QUOTES'", 'DROP TABLE "a"'] },
];

const OTHERS: readonly IncidentForm[] = [
  {
    name: 'DROP TABLE of several, in two schemas',
    setup: [...ONE_TABLE, TABLE_B, 'CREATE DATABASE $db_2', 'CREATE TABLE $db_2.z (id INT)'],
    steps: ['DROP TABLE a, b, $db_2.z'],
    finds: [{ kind: 'drop-table', objects: ['table $db.a', 'table $db.b', 'table $db_2.z'] }],
  },
  {
    name: 'DROP TABLE of one that is there and one that is not',
    steps: [{ fails: 'DROP TABLE a, nosuch' }],
    finds: [{ kind: 'drop-table', objects: ['table $db.a', 'table $db.nosuch'] }],
  },
  {
    name: 'DROP TABLE IF EXISTS of one that is there and one that is not',
    steps: ['DROP TABLE IF EXISTS nosuch, a'],
    finds: [{ kind: 'drop-table', objects: ['table $db.nosuch', 'table $db.a'] }],
  },
  {
    name: 'DROP TABLE IF EXISTS of what is not there, which the log cannot tell',
    steps: ['DROP TABLE IF EXISTS nosuch'],
    finds: [{ kind: 'drop-table', objects: ['table $db.nosuch'] }],
    ...NO_TRACE,
  },
  {
    name: 'DROP TABLE with another default schema',
    setup: [...ONE_TABLE, 'CREATE DATABASE $db_2', 'USE $db_2', 'CREATE TABLE c (id INT)'],
    steps: ['DROP TABLE c, $db.a'],
    finds: [{ kind: 'drop-table', objects: ['table $db_2.c', 'table $db.a'] }],
  },
  {
    name: 'DROP TABLE without a default schema',
    steps: ['CREATE DATABASE $db_2', 'USE $db_2', 'DROP DATABASE $db_2', 'DROP TABLE $db.a'],
    finds: [
      { kind: 'drop-database', objects: ['database $db_2'], group: 1 },
      { kind: 'drop-table', objects: ['table $db.a'], group: 2 },
    ],
  },
  {
    name: 'DROP TABLE with names that are words',
    setup: ['CREATE TABLE `table` (id INT)', 'CREATE TABLE `if` (id INT)', 'CREATE TABLE `drop` (id INT)'],
    steps: ['DROP TABLE `table`, `if`, `drop`'],
    finds: [{ kind: 'drop-table', objects: ['table $db.table', 'table $db.if', 'table $db.drop'] }],
  },
  {
    name: 'DROP TABLE with backticks, dots, quotes and blanks in the name',
    setup: ['CREATE TABLE `x``y.z "1\' 2` (id INT)'],
    steps: ['DROP TABLE `x``y.z "1\' 2`'],
    finds: [{ kind: 'drop-table', objects: ['table $db.x`y.z "1\' 2'] }],
  },
  {
    name: 'DROP TABLE with letters of other scripts in the name',
    setup: ['CREATE TABLE `Größe` (id INT)', 'CREATE TABLE дб (id INT)', 'CREATE TABLE 表 (id INT)'],
    steps: ['DROP TABLE Größe, дб, 表'],
    finds: [{ kind: 'drop-table', objects: ['table $db.Größe', 'table $db.дб', 'table $db.表'] }],
  },
  {
    name: 'DROP TABLE by a client that speaks latin1',
    setup: ['CREATE TABLE `Größe` (id INT)'],
    steps: ['DROP TABLE Größe'],
    finds: [{ kind: 'drop-table', objects: ['table $db.Größe'] }],
    collation: 'LATIN1_SWEDISH_CI',
  },
  {
    name: 'DROP TABLE by a client that speaks sjis, with a backslash in a letter',
    setup: ['CREATE TABLE `ソ表` (id INT)'],
    steps: ['DROP TABLE `ソ表`'],
    finds: [{ kind: 'drop-table', objects: ['table $db.ソ表'] }],
    collation: 'SJIS_JAPANESE_CI',
  },
  {
    name: 'DROP TABLE of a parent and its child',
    setup: ['CREATE TABLE p (id INT PRIMARY KEY)', 'CREATE TABLE c (p INT, FOREIGN KEY (p) REFERENCES p (id))'],
    steps: ['DROP TABLE c, p'],
    finds: [{ kind: 'drop-table', objects: ['table $db.c', 'table $db.p'] }],
  },
  ...['MyISAM', 'MEMORY', 'Aria'].map((engine): IncidentForm => ({
    name: `DROP TABLE of ${engine}`,
    setup: [`CREATE TABLE a (id INT) ENGINE=${engine}`],
    steps: ['DROP TABLE a'],
    finds: [{ kind: 'drop-table', objects: ['table $db.a'] }],
    ...(engine === 'Aria' ? { flavor: 'mariadb' } : {}),
  })),
  {
    name: 'DROP TABLE of a table and a temporary one at once',
    setup: [...ONE_TABLE, 'CREATE TEMPORARY TABLE t (id INT)'],
    steps: ['DROP TABLE a, t'],
    finds: [{ kind: 'drop-table', objects: ['table $db.a'] }],
    flavor: 'mariadb',
    formats: ['ROW'],
  },
  {
    name: 'DROP TABLE in a procedure',
    setup: [...ONE_TABLE, 'CREATE PROCEDURE p() DROP TABLE a'],
    steps: ['CALL p()'],
    finds: [{ kind: 'drop-table', objects: ['table $db.a'] }],
  },
  {
    name: 'DROP TABLE behind an INSERT in a transaction, which it commits',
    steps: ['BEGIN', "INSERT INTO a VALUES (4, 4, 'u')", 'DROP TABLE a', 'ROLLBACK'],
    finds: [{ kind: 'drop-table', objects: ['table $db.a'], group: 1 }],
  },
  {
    name: 'DROP TABLE by an event, which then drops itself',
    steps: [
      'SET GLOBAL event_scheduler = ON',
      'CREATE EVENT e ON SCHEDULE AT CURRENT_TIMESTAMP DO DROP TABLE a',
      { until: "SELECT NOT EXISTS (SELECT 1 FROM information_schema.events WHERE event_schema = '$db')" },
      { until: "SELECT NOT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = '$db')" },
    ],
    finds: [
      { kind: 'drop-table', objects: ['table $db.a'], group: 1 },
      { kind: 'drop-event', objects: ['event $db.e'], group: 2 },
    ],
    formats: ['ROW'],
  },
];

export const DROP_TABLE_FORMS: readonly IncidentForm[] = [
  ...WORDINGS.map((wording): IncidentForm => ({
    ...wording,
    name: wording.name.startsWith('DROP') ? wording.name : `DROP TABLE ${wording.name}`,
    finds: [{ kind: 'drop-table', objects: ['table $db.a'] }],
  })),
  ...OTHERS,
];
