import { ONE_TABLE, type ExpectedIncident, type IncidentForm, type LogFormat } from './form.ts';
import { MANY_ROWS, manyRows, ROWS } from './many-rows.ts';

type MassKind = 'mass-delete' | 'mass-update';

function counted(kind: MassKind, rows: number): ExpectedIncident {
  const isDelete = kind === 'mass-delete';
  const count = isDelete ? { deleted: rows, updated: 0 } : { deleted: 0, updated: rows };
  return { kind, objects: ['table $db.a'], rows: count };
}

/** What row events tell; a text's condition hides how much it was. MIXED logs some texts as rows, for safety. */
function onlyCounted(
  kind: MassKind,
  rows: number,
  formats: readonly LogFormat[] = ['ROW'],
): Pick<IncidentForm, 'finds' | 'formats'> {
  return { finds: [counted(kind, rows)], formats };
}

/** Means all rows, whatever they are: row events count them, the text does not tell how many there were. */
interface Unconditional {
  readonly kind: MassKind;
  readonly sql: string;
  readonly flavor?: 'mariadb';
  /** MariaDB marks the event as one that uses a temporary table, which it may be. */
  readonly isMarked?: true;
}

const UNCONDITIONAL: readonly Unconditional[] = [
  { kind: 'mass-delete', sql: '/* x */ delete LOW_PRIORITY QUICK IGNORE /* y */ from `$db` . `a` -- z' },
  { kind: 'mass-delete', sql: 'DELETE FROM a WHERE 1=1' },
  { kind: 'mass-delete', sql: 'DELETE a FROM a', isMarked: true },
  { kind: 'mass-delete', sql: 'DELETE FROM x USING a AS x', isMarked: true },
  { kind: 'mass-delete', sql: 'ANALYZE FORMAT=JSON DELETE FROM a', flavor: 'mariadb' },
  { kind: 'mass-delete', sql: 'SET STATEMENT max_statement_time=100 FOR DELETE FROM a', flavor: 'mariadb' },
  { kind: 'mass-update', sql: 'update /* WHERE */ low_priority $db.a set v = -1 # WHERE id = 1' },
  { kind: 'mass-update', sql: "UPDATE a SET v = -LENGTH(' WHERE id = 1')" },
  { kind: 'mass-update', sql: 'ANALYZE UPDATE a SET v = -1', flavor: 'mariadb' },
];

/** The same, where the rows need no second look. */
const UNCONDITIONAL_TEXTS: readonly Unconditional[] = [
  { kind: 'mass-delete', sql: 'DELETE FROM a WHERE TRUE' },
  { kind: 'mass-delete', sql: 'DELETE FROM a WHERE NOT 0 AND (1.0 OR id = 5)' },
  { kind: 'mass-delete', sql: 'DELETE FROM a WHERE -1 < 1 OR id BETWEEN 1 AND 2' },
  { kind: 'mass-delete', sql: '/*!50000 DELETE FROM a */' },
  { kind: 'mass-delete', sql: 'DELETE FROM a ORDER BY id' },
  { kind: 'mass-delete', sql: 'DELETE FROM a RETURNING *', flavor: 'mariadb' },
  {
    kind: 'mass-update',
    sql: 'UPDATE a SET v = (SELECT MAX(table_name) IS NULL FROM information_schema.tables WHERE 1 = 0)',
  },
  { kind: 'mass-update', sql: 'UPDATE a x SET x.v = CASE WHEN x.id = 1 THEN 12 ELSE 13 END' },
];

function inText({ kind, sql, flavor, isMarked }: Unconditional): IncidentForm[] {
  const form = { name: `${sql}, as text`, steps: [sql], formats: ['MIXED', 'STATEMENT'] } as const;
  const finds = [counted(kind, 0)];
  if (isMarked !== true) return [{ ...form, finds, ...(flavor === undefined ? {} : { flavor }) }];
  const doubtful = [{ ...counted(kind, 0), suspicious: true as const }];
  return [
    { ...form, finds, flavor: 'mysql' },
    { ...form, name: `${form.name}, on MariaDB`, finds: doubtful, flavor: 'mariadb' },
  ];
}

function inRows({ kind, sql, flavor }: Unconditional): IncidentForm {
  return {
    name: `${sql}, in rows`,
    setup: MANY_ROWS,
    steps: [sql],
    ...onlyCounted(kind, ROWS),
    ...(flavor === undefined ? {} : { flavor }),
  };
}

/** The text does not tell how many rows were met, nor whether a marked event's table is a temporary one. */
const SUSPICIOUS: readonly IncidentForm[] = [
  {
    name: 'DELETE with a LIMIT, as text',
    steps: ['DELETE FROM a ORDER BY id LIMIT 1000'],
    finds: [{ ...counted('mass-delete', 0), suspicious: true }],
    formats: ['STATEMENT'],
  },
  {
    name: 'UPDATE with what a temporary table has, as text',
    setup: [...ONE_TABLE, 'CREATE TEMPORARY TABLE t (id INT)', 'INSERT INTO t VALUES (9)'],
    steps: ['UPDATE a SET v = (SELECT MAX(id) FROM t)'],
    finds: [{ ...counted('mass-update', 0), suspicious: true }],
    formats: ['STATEMENT'],
  },
];

const CONDITIONAL: readonly IncidentForm[] = [
  {
    name: 'DELETE of 25,000 rows',
    setup: manyRows(8),
    steps: ['DELETE FROM a'],
    ...onlyCounted('mass-delete', 25_000),
  },
  {
    name: 'UPDATE of 25,000 rows',
    setup: manyRows(8),
    steps: ['UPDATE a SET v = -1'],
    ...onlyCounted('mass-update', 25_000),
  },
  {
    name: 'DELETE from a system-versioned table, which keeps the rows as history',
    setup: [...MANY_ROWS, 'ALTER TABLE a ADD SYSTEM VERSIONING'],
    steps: ['DELETE FROM a'],
    ...onlyCounted('mass-update', ROWS),
    flavor: 'mariadb',
    leavesNoTrace: true,
  },
  {
    name: 'DELETE with a condition that is true for most',
    setup: MANY_ROWS,
    steps: ['DELETE FROM a WHERE id >= 1000'],
    ...onlyCounted('mass-delete', ROWS - 1000),
  },
  {
    name: 'DELETE prepared, with a parameter',
    setup: MANY_ROWS,
    steps: ["PREPARE s FROM 'DELETE FROM a WHERE id >= ?'", 'SET @id = 500', 'EXECUTE s USING @id'],
    ...onlyCounted('mass-delete', ROWS - 500),
  },
  {
    name: 'DELETE in a loop of small ones',
    setup: [
      ...MANY_ROWS,
      `CREATE PROCEDURE p() BEGIN DECLARE n INT DEFAULT 0; WHILE n < 13 DO
       DELETE FROM a ORDER BY id LIMIT 1000; SET n = n + 1; END WHILE; END`,
    ],
    steps: ['CALL p()'],
    finds: [{ ...counted('mass-delete', ROWS), goesOnTo: 12 }],
    formats: ['ROW', 'MIXED'],
  },
  {
    name: 'DELETE of many in several statements of a transaction',
    setup: MANY_ROWS,
    steps: ['BEGIN', 'DELETE FROM a WHERE id < 6000', 'DELETE FROM a WHERE id < 12000', 'COMMIT'],
    ...onlyCounted('mass-delete', 12_000),
  },
  {
    name: 'DELETE by a procedure',
    setup: [...MANY_ROWS, 'CREATE PROCEDURE p(IN n INT) DELETE FROM a WHERE id >= n'],
    steps: ['CALL p(2000)'],
    ...onlyCounted('mass-delete', ROWS - 2000),
  },
  {
    name: 'UPDATE with a condition that is true for most',
    setup: MANY_ROWS,
    steps: ['UPDATE a SET v = -1 WHERE id >= 1000'],
    ...onlyCounted('mass-update', ROWS - 1000),
  },
  {
    name: 'LOAD DATA REPLACE of rows that were there',
    setup: [...MANY_ROWS, "SELECT id, -1 FROM a INTO OUTFILE '$dir/replace-$db'"],
    steps: ["LOAD DATA INFILE '$dir/replace-$db' REPLACE INTO TABLE a"],
    ...onlyCounted('mass-update', ROWS, ['ROW', 'MIXED']),
  },
  {
    name: 'LOAD DATA REPLACE of rows that were there, as text',
    setup: [
      'CREATE TABLE a (id INT PRIMARY KEY, v INT)',
      'INSERT INTO a VALUES (1, 1)',
      "SELECT 1, 2 INTO OUTFILE '$dir/text-$db'",
    ],
    steps: ["LOAD DATA INFILE '$dir/text-$db' REPLACE INTO TABLE a"],
    finds: [{ ...counted('mass-update', 0), suspicious: true }],
    formats: ['STATEMENT'],
  },
];

const B = 'CREATE TABLE b (id INT PRIMARY KEY, v INT)';

const TWO_TABLES: readonly IncidentForm[] = [
  {
    name: 'DELETE of several tables',
    setup: [...MANY_ROWS, B, 'INSERT INTO b SELECT id, v FROM a WHERE id < 9000'],
    steps: ['DELETE a, b FROM a STRAIGHT_JOIN b ON a.id = b.id'],
    finds: [{ kind: 'mass-delete', objects: ['table $db.a', 'table $db.b'], rows: { deleted: 18_000, updated: 0 } }],
    formats: ['ROW'],
  },
  {
    name: 'DELETE by a trigger, in another table than the statement says',
    setup: [
      ...MANY_ROWS,
      B,
      'INSERT INTO b VALUES (1, 1)',
      'CREATE TRIGGER t AFTER DELETE ON b FOR EACH ROW DELETE FROM a WHERE id > OLD.id',
    ],
    steps: ['DELETE FROM b WHERE id = 1'],
    finds: [
      { kind: 'mass-delete', objects: ['table $db.b', 'table $db.a'], rows: { deleted: 1 + ROWS - 2, updated: 0 } },
    ],
    formats: ['ROW'],
  },
  ...[
    'REPLACE INTO a SELECT id, v FROM b',
    'INSERT INTO a SELECT id, v FROM b ON DUPLICATE KEY UPDATE a.v = b.v',
    'INSERT INTO a SELECT id, v FROM b ON DUPLICATE KEY UPDATE v = VALUES(v)',
  ].flatMap((sql): IncidentForm[] => [
    {
      name: `${sql}, in rows`,
      setup: [...MANY_ROWS, B, 'SET sql_log_bin = 0', 'INSERT INTO b SELECT id, -1 FROM a', 'SET sql_log_bin = 1'],
      steps: [sql],
      ...onlyCounted('mass-update', ROWS, ['ROW']),
    },
    {
      name: `${sql}, as text`,
      setup: [
        'CREATE TABLE a (id INT PRIMARY KEY, v INT)',
        'INSERT INTO a VALUES (1, 1)',
        B,
        'INSERT INTO b VALUES (1, 2)',
      ],
      steps: [sql],
      finds: [{ ...counted('mass-update', 0), suspicious: true }],
      formats: ['STATEMENT'],
    },
  ]),
];

export const ROW_FORMS: readonly IncidentForm[] = [
  ...UNCONDITIONAL.flatMap((one) => [inRows(one), ...inText(one)]),
  ...UNCONDITIONAL_TEXTS.flatMap(inText),
  ...SUSPICIOUS,
  ...CONDITIONAL,
  ...TWO_TABLES,
];
