import { ONE_TABLE, type IncidentForm } from './form.ts';

const TABLE_B = ['CREATE TABLE b (id INT PRIMARY KEY)', 'INSERT INTO b VALUES (7)'];

const REPLACES: readonly IncidentForm[] = [
  ...[
    ['', 'CREATE OR REPLACE TABLE a (id INT)'],
    [' with its schema and comments', 'create/**/or replace /* x */ table `$db`.a (id INT) -- y'],
    [' in executed comments', 'CREATE /*M! OR REPLACE */ TABLE a (id INT)'],
    [' under SET STATEMENT', 'SET STATEMENT lock_wait_timeout=9 FOR CREATE OR REPLACE TABLE a (id INT)'],
    [' SELECT', 'CREATE OR REPLACE TABLE a SELECT 1 AS id'],
    [' with columns and SELECT', 'CREATE OR REPLACE TABLE a (id INT PRIMARY KEY) AS SELECT 1 AS id'],
  ].map(([what = '', statement = '']): IncidentForm => ({
    name: `CREATE OR REPLACE TABLE${what}`,
    steps: [statement],
    finds: [{ kind: 'replace-table', objects: ['table $db.a'] }],
    flavor: 'mariadb',
  })),
  {
    name: 'CREATE OR REPLACE TABLE LIKE',
    setup: [...ONE_TABLE, ...TABLE_B],
    steps: ['CREATE OR REPLACE TABLE a LIKE b'],
    finds: [{ kind: 'replace-table', objects: ['table $db.a'] }],
    flavor: 'mariadb',
  },
  {
    name: 'CREATE OR REPLACE TABLE of what is not there, which the log cannot tell',
    setup: [],
    steps: ['CREATE OR REPLACE TABLE a (id INT)'],
    finds: [{ kind: 'replace-table', objects: ['table $db.a'] }],
    flavor: 'mariadb',
  },
  {
    name: 'CREATE OR REPLACE TABLE that fails while it fills, and leaves nothing',
    steps: [{ fails: 'CREATE OR REPLACE TABLE a (id INT PRIMARY KEY) SELECT 1 AS id UNION ALL SELECT 1' }],
    finds: [
      { kind: 'replace-table', objects: ['table $db.a'] },
      { kind: 'drop-table', objects: ['table $db.a'], group: 1 },
    ],
    findsIn: { ROW: [{ kind: 'drop-table', objects: ['table $db.a'] }] },
    flavor: 'mariadb',
  },
  ...['(id INT, id INT)', '(id INT, FOREIGN KEY (id) REFERENCES nosuch (id))'].map((definition): IncidentForm => ({
    name: `CREATE OR REPLACE TABLE a ${definition}, which drops and then fails`,
    steps: [{ fails: `CREATE OR REPLACE TABLE a ${definition}` }],
    finds: [{ kind: 'replace-table', objects: ['table $db.a'] }],
    flavor: 'mariadb',
  })),
];

const RENAMES: readonly IncidentForm[] = [
  {
    name: 'RENAME TABLE',
    steps: ['RENAME TABLE a TO c'],
    finds: [{ kind: 'rename-table', objects: ['table $db.a'] }],
  },
  {
    name: 'RENAME TABLES IF EXISTS, WAIT',
    steps: ['rename /* x */ tables if exists `a` wait 5 to `c`'],
    finds: [{ kind: 'rename-table', objects: ['table $db.a'] }],
    flavor: 'mariadb',
  },
  {
    name: 'RENAME TABLE that swaps two',
    setup: [...ONE_TABLE, ...TABLE_B],
    steps: ['RENAME TABLE a TO t, b TO a, t TO b'],
    finds: [{ kind: 'rename-table', objects: ['table $db.a', 'table $db.b'] }],
  },
  {
    name: 'RENAME TABLE into another schema',
    setup: [...ONE_TABLE, 'CREATE DATABASE $db_2'],
    steps: ['RENAME TABLE $db.a TO $db_2.a'],
    finds: [{ kind: 'rename-table', objects: ['table $db.a'] }],
  },
  ...['RENAME c', 'RENAME TO c', 'RENAME AS c', 'ADD x INT, RENAME TO c'].map((rename): IncidentForm => ({
    name: `ALTER TABLE ${rename}`,
    steps: [`ALTER TABLE a ${rename}`],
    finds: [{ kind: 'rename-table', objects: ['table $db.a'] }],
  })),
  {
    name: 'ALTER TABLE RENAME into another schema',
    setup: [...ONE_TABLE, 'CREATE DATABASE $db_2'],
    steps: ['ALTER TABLE a RENAME TO $db_2.a'],
    finds: [{ kind: 'rename-table', objects: ['table $db.a'] }],
  },
  {
    name: 'ALTER TABLE that drops a column and gives a new name',
    steps: ['ALTER TABLE a DROP COLUMN w, RENAME TO c'],
    finds: [{ kind: 'drop-column', objects: ['table $db.a (w)'] }],
  },
];

export const REPLACE_AND_RENAME_FORMS: readonly IncidentForm[] = [...REPLACES, ...RENAMES];
