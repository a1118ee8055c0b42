import { ONE_TABLE, type ExpectedIncident, type IncidentForm } from './form.ts';
import { MANY_ROWS, manyRows, ROWS } from './many-rows.ts';

const DELETED: ExpectedIncident = {
  kind: 'mass-delete',
  objects: ['table $db.a'],
  rows: { deleted: ROWS, updated: 0 },
};
const TOLD: ExpectedIncident = { kind: 'mass-delete', objects: ['table $db.a'] };
const TEXTS = ['MIXED', 'STATEMENT'] as const;

/** XA of MySQL 5.6 is logged when it commits, as any transaction. */
const XA: readonly IncidentForm[] = (
  [
    ['committed', "XA COMMIT '$db'", 'effective'],
    ['rolled back', "XA ROLLBACK '$db'", 'rolled-back'],
  ] as const
).flatMap(([how, last, state]): IncidentForm[] => {
  const steps = ["XA START '$db'", 'DELETE FROM a', "XA END '$db'", "XA PREPARE '$db'", last];
  const settled = { state, settledBy: 1 };
  return [
    {
      name: `XA ${how}, in rows`,
      setup: MANY_ROWS,
      steps,
      finds: [{ ...DELETED, ...settled }],
      flavor: 'mariadb',
      formats: ['ROW'],
    },
    { name: `XA ${how}, as text`, steps, finds: [{ ...TOLD, ...settled }], flavor: 'mariadb', formats: TEXTS },
  ];
});

const XA_OTHERS: readonly IncidentForm[] = [
  {
    name: 'XA in one phase',
    steps: ["XA START '$db'", 'DELETE FROM a', "XA END '$db'", "XA COMMIT '$db' ONE PHASE"],
    finds: [TOLD],
    formats: TEXTS,
  },
  {
    name: 'XA in two phases, which MySQL 5.6 logs as one',
    setup: MANY_ROWS,
    steps: ["XA START '$db'", 'DELETE FROM a', "XA END '$db'", "XA PREPARE '$db'", "XA COMMIT '$db'"],
    finds: [DELETED],
    flavor: 'mysql',
    formats: ['ROW'],
  },
  {
    name: 'XA prepared, with other transactions before its end',
    setup: [...ONE_TABLE, 'CREATE TABLE b (id INT PRIMARY KEY)', 'INSERT INTO b VALUES (1)'],
    steps: [
      "XA START '$db'",
      'DELETE FROM a',
      "XA END '$db'",
      "XA PREPARE '$db'",
      { byAnother: 'INSERT INTO $db.b VALUES (2)' },
      { byAnother: 'TRUNCATE $db.b' },
      "XA COMMIT '$db'",
    ],
    finds: [
      { ...TOLD, settledBy: 3 },
      { kind: 'truncate-table', objects: ['table $db.b'], group: 2 },
    ],
    flavor: 'mariadb',
    formats: TEXTS,
  },
  {
    name: 'XA prepared, and nothing yet',
    steps: ["XA START '$db'", 'DELETE FROM a', "XA END '$db'", "XA PREPARE '$db'"],
    finds: [{ ...TOLD, state: 'pending' }],
    flavor: 'mariadb',
    formats: ['STATEMENT'],
  },
];

/** With a table that knows no transactions; GTIDs of MySQL 5.6 forbid it. */
const M = 'CREATE TABLE m (id INT) ENGINE=MyISAM';

const ROLLED_BACK: readonly IncidentForm[] = [
  {
    name: 'DELETE from MyISAM in a transaction that is rolled back, but not for MyISAM',
    setup: ['CREATE TABLE i (id INT PRIMARY KEY)', ...manyRows(ROWS / 3125, 'MyISAM')],
    steps: ['BEGIN', 'INSERT INTO i VALUES (1)', 'DELETE FROM a', 'ROLLBACK'],
    finds: [DELETED],
    flavor: 'mariadb',
    formats: ['ROW'],
  },
  {
    name: 'DELETE in a transaction that is rolled back: which tables kept it the text does not say',
    setup: [...ONE_TABLE, M],
    steps: ['BEGIN', 'DELETE FROM a', 'INSERT INTO m VALUES (1)', 'ROLLBACK'],
    finds: [{ ...TOLD, state: 'unknown' }],
    flavor: 'mariadb',
    formats: ['STATEMENT'],
  },
  {
    name: 'DELETE that a savepoint took back, in rows',
    setup: [...MANY_ROWS, M],
    steps: [
      'BEGIN',
      'INSERT INTO a VALUES (99999, 1)',
      'SAVEPOINT s',
      'DELETE FROM a',
      'INSERT INTO m VALUES (1)',
      'ROLLBACK TO s',
      'COMMIT',
    ],
    finds: [],
    flavor: 'mariadb',
    formats: ['ROW'],
    leavesNoTrace: true,
  },
  {
    name: 'DELETE that a savepoint took back, as text',
    setup: [...ONE_TABLE, M],
    steps: [
      'BEGIN',
      "INSERT INTO a VALUES (4, 4, 'u')",
      'SAVEPOINT s',
      'DELETE FROM a',
      'INSERT INTO m VALUES (1)',
      'ROLLBACK TO s',
      'COMMIT',
    ],
    finds: [{ ...TOLD, state: 'unknown' }],
    findsIn: { MIXED: [{ ...TOLD, state: 'unknown', group: 1 }] },
    flavor: 'mariadb',
    formats: TEXTS,
    leavesNoTrace: true,
  },
];

export const TRANSACTION_FORMS: readonly IncidentForm[] = [...XA, ...XA_OTHERS, ...ROLLED_BACK];
