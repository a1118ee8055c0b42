import { ONE_TABLE, type IncidentForm } from './form.ts';

/** The schema is dropped, in many words. */
const WORDINGS: readonly Pick<IncidentForm, 'name' | 'steps' | 'flavor'>[] = [
  { name: 'DROP DATABASE', steps: ['DROP DATABASE $db'] },
  { name: 'DROP SCHEMA', steps: ['DROP SCHEMA $db'] },
  { name: 'IF EXISTS', steps: ['DROP DATABASE IF EXISTS $db'] },
  { name: 'in lower case, with backticks', steps: ['drop  schema\n if\texists `$db`'] },
  { name: 'behind comments', steps: ['-- first\n# second\n/* third */ DROP DATABASE $db -- last'] },
  { name: 'with executed comments', steps: ['drop /*!50000 schema */ if exists $db'] },
  { name: 'in a comment for MariaDB', steps: ['/*M!50001 drop database */ $db'], flavor: 'mariadb' },
  {
    name: 'under SET STATEMENT',
    steps: ['SET STATEMENT lock_wait_timeout=9 FOR DROP DATABASE $db'],
    flavor: 'mariadb',
  },
  { name: 'under ANSI_QUOTES', steps: ["SET sql_mode = 'ANSI_QUOTES'", 'DROP DATABASE "$db"'] },
  { name: 'prepared', steps: ["PREPARE s FROM 'DROP DATABASE $db'", 'EXECUTE s'] },
  { name: 'with another default schema', steps: ['USE mysql', 'DROP DATABASE $db'] },
];

const OTHERS: readonly IncidentForm[] = [
  {
    name: 'DROP DATABASE IF EXISTS of what is not there, which the log cannot tell',
    setup: [],
    steps: ['DROP DATABASE IF EXISTS $db_nosuch'],
    finds: [{ kind: 'drop-database', objects: ['database $db_nosuch'] }],
    leavesNoTrace: true,
  },
  {
    name: 'DROP DATABASE of an empty one',
    setup: [],
    steps: ['DROP DATABASE $db'],
    finds: [{ kind: 'drop-database', objects: ['database $db'] }],
  },
  {
    name: 'DROP DATABASE with letters of other scripts and a backtick in its name',
    setup: ['CREATE DATABASE `$db дб``x`'],
    steps: ['DROP DATABASE `$db дб``x`'],
    finds: [{ kind: 'drop-database', objects: ['database $db дб`x'] }],
    leavesNoTrace: true, // of that name no trace is looked for
  },
  {
    name: 'DROP DATABASE by a client that speaks latin1',
    setup: ['CREATE DATABASE `$dbÄ`'],
    steps: ['DROP DATABASE `$dbÄ`'],
    finds: [{ kind: 'drop-database', objects: ['database $dbÄ'] }],
    collation: 'LATIN1_SWEDISH_CI',
    leavesNoTrace: true,
  },
  {
    name: 'DROP DATABASE in a procedure of another schema',
    setup: ['CREATE DATABASE $db_2', 'CREATE PROCEDURE p() DROP DATABASE $db_2'],
    steps: ['CALL p()'],
    finds: [{ kind: 'drop-database', objects: ['database $db_2'] }],
  },
  ...['DATABASE', 'SCHEMA'].map((word): IncidentForm => ({
    name: `CREATE OR REPLACE ${word}`,
    setup: ['CREATE DATABASE $db_2', 'CREATE TABLE $db_2.a (id INT)'],
    steps: [`CREATE OR REPLACE ${word} $db_2`],
    finds: [{ kind: 'replace-database', objects: ['database $db_2'] }],
    flavor: 'mariadb',
  })),
  {
    name: 'CREATE OR REPLACE DATABASE with options and comments',
    setup: ['CREATE DATABASE $db_2', 'CREATE TABLE $db_2.a (id INT)'],
    steps: ['create /*M! or */ replace /* x */ database `$db_2` CHARACTER SET latin1'],
    finds: [{ kind: 'replace-database', objects: ['database $db_2'] }],
    flavor: 'mariadb',
  },
];

export const DROP_DATABASE_FORMS: readonly IncidentForm[] = [
  ...WORDINGS.map((wording): IncidentForm => ({
    ...wording,
    name: wording.name.startsWith('DROP') ? wording.name : `DROP DATABASE ${wording.name}`,
    setup: ONE_TABLE,
    finds: [{ kind: 'drop-database', objects: ['database $db'] }],
  })),
  ...OTHERS,
];
