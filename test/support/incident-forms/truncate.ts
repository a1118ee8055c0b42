import { ONE_TABLE, type IncidentForm } from './form.ts';

/** The table `a` is emptied, in many words. */
const WORDINGS: readonly Pick<IncidentForm, 'name' | 'steps' | 'flavor'>[] = [
  { name: 'TRUNCATE', steps: ['TRUNCATE a'] },
  { name: 'TRUNCATE TABLE', steps: ['TRUNCATE TABLE a'] },
  { name: 'without a blank', steps: ['TRUNCATE`a`'] },
  { name: 'with other blanks', steps: ['truncate\ttable\n\r\f a'] },
  { name: 'with an empty schema', steps: ['TRUNCATE TABLE .a'] },
  { name: 'with its schema and odd blanks', steps: ['truncate   TABLE/**/ $db . a'] },
  { name: 'in executed comments', steps: ['/*!50001 TRUNCATE */ /*!50001 `a` */'] },
  { name: 'in a comment for MariaDB', steps: ['/*M!100000 TRUNCATE */ TABLE a'], flavor: 'mariadb' },
  { name: 'with comments that are not executed', steps: ['TRUNCATE a /*!999999 , b */ /* , c */'] },
  { name: 'under SET STATEMENT', steps: ['SET STATEMENT max_statement_time=100 FOR truncate a'], flavor: 'mariadb' },
  {
    name: 'under SET STATEMENT with the word FOR in it',
    steps: ["SET STATEMENT max_statement_time=LENGTH(SUBSTRING('FOR' FROM 1 FOR 2)) FOR TRUNCATE a"],
    flavor: 'mariadb',
  },
  { name: 'WAIT', steps: ['TRUNCATE TABLE a WAIT 5'], flavor: 'mariadb' },
  { name: 'NOWAIT', steps: ['truncate table a nowait'], flavor: 'mariadb' },
  { name: 'under ANSI_QUOTES', steps: ["SET sql_mode = 'ANSI_QUOTES'", 'TRUNCATE "a"'] },
  { name: 'prepared', steps: ["PREPARE s FROM 'TRUNCATE a'", 'EXECUTE s'] },
  { name: 'in a block', steps: ['BEGIN NOT ATOMIC TRUNCATE a; END'], flavor: 'mariadb' },
];

const OTHERS: readonly IncidentForm[] = [
  {
    name: 'TRUNCATE of an empty table, which the log cannot tell',
    setup: ['CREATE TABLE a (id INT)'],
    steps: ['TRUNCATE a'],
    finds: [{ kind: 'truncate-table', objects: ['table $db.a'] }],
    leavesNoTrace: true,
  },
  {
    name: 'TRUNCATE in a procedure that drops in one branch',
    setup: [
      ...ONE_TABLE,
      'CREATE PROCEDURE p(IN n INT) BEGIN IF n = 1 THEN TRUNCATE a; ELSE DROP TABLE a; END IF; END',
    ],
    steps: ['CALL p(1)'],
    finds: [{ kind: 'truncate-table', objects: ['table $db.a'] }],
  },
  {
    name: 'TRUNCATE of MyISAM',
    setup: ['CREATE TABLE a (id INT) ENGINE=MyISAM', 'INSERT INTO a VALUES (1)'],
    steps: ['TRUNCATE a'],
    finds: [{ kind: 'truncate-table', objects: ['table $db.a'] }],
  },
  {
    name: 'TRUNCATE of a table in another schema, named by a word',
    setup: ['CREATE DATABASE $db_2', 'CREATE TABLE $db_2.`table` (id INT)', 'INSERT INTO $db_2.`table` VALUES (1)'],
    steps: ['TRUNCATE TABLE $db_2.`table`'],
    finds: [{ kind: 'truncate-table', objects: ['table $db_2.table'] }],
  },
  {
    name: 'TRUNCATE by a client that speaks gbk, with a backslash in a letter',
    setup: ['CREATE TABLE `乗乣` (id INT)', 'INSERT INTO `乗乣` VALUES (1)'],
    steps: ['TRUNCATE `乗乣`'],
    finds: [{ kind: 'truncate-table', objects: ['table $db.乗乣'] }],
    collation: 'GBK_CHINESE_CI',
  },
];

export const TRUNCATE_FORMS: readonly IncidentForm[] = [
  ...WORDINGS.map((wording): IncidentForm => ({
    ...wording,
    name: wording.name.startsWith('TRUNCATE') ? wording.name : `TRUNCATE ${wording.name}`,
    finds: [{ kind: 'truncate-table', objects: ['table $db.a'] }],
  })),
  ...OTHERS,
];
