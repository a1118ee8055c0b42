import { Chance } from '../chance.ts';

/** A schema, and what happens to it behind a backup: incidents, and what comes behind them under the same names. */
export interface SkipWorkload {
  readonly schema: string;
  /** What makes the schema, its tables filled. */
  readonly setUp: readonly string[];
  /** In order; some of them fail, as they would in life. */
  readonly steps: readonly string[];
}

/** Enough rows for a mass of them to be an incident: deleted ones; also updated ones. */
const ROWS = 130;
const MANY_ROWS = 1050;
/** Others refer to these. */
const REFERRED: ReadonlyMap<string, readonly string[]> = new Map([
  ['grand', ['parent', 'twin', 'child', 'stray']],
  ['parent', ['child', 'stray']],
  ['tree', ['tree']],
]);
/** What ids grow by when all of them are given anew. */
const SHIFT = 2000;

const COLUMNS = 'id INT AUTO_INCREMENT PRIMARY KEY, n INT, note VARCHAR(40)';
const TABLES: Readonly<Record<string, string>> = {
  grand: COLUMNS,
  parent: `${COLUMNS}, up INT, CONSTRAINT to_grand FOREIGN KEY (up) REFERENCES grand (id)`,
  child: `${COLUMNS}, up INT, CONSTRAINT to_parent FOREIGN KEY (up) REFERENCES parent (id)`,
  twin: `${COLUMNS}, CONSTRAINT is_grand FOREIGN KEY (id) REFERENCES grand (id)`,
  stray: 'n INT, note VARCHAR(40), up INT, CONSTRAINT of_parent FOREIGN KEY (up) REFERENCES parent (id)',
  tree: `${COLUMNS}, up INT, CONSTRAINT to_itself FOREIGN KEY (up) REFERENCES tree (id)`,
  plain: 'id INT AUTO_INCREMENT PRIMARY KEY, n INT, w INT NOT NULL DEFAULT 3, note VARCHAR(40), last INT',
  only: `${COLUMNS}, last INT NOT NULL, UNIQUE only_last (last)`,
  bare: 'n INT, note VARCHAR(40), last INT NOT NULL',
  other: COLUMNS,
};
const NAMES = Object.keys(TABLES);
const HAS_UP: readonly string[] = ['parent', 'child', 'stray', 'tree'];
const HAS_LAST: readonly string[] = ['plain', 'only', 'bare'];
const HAS_NO_ID: readonly string[] = ['bare', 'stray'];

/** Where one of them refuses, nothing happens to any. */
const actionsOn = (event: string): string[] =>
  ['', 'CASCADE', 'CASCADE', 'CASCADE', 'CASCADE', 'SET NULL', 'SET NULL'].map((action) =>
    action === '' ? '' : ` ON ${event} ${action}`,
  );
const ON_DELETE = actionsOn('DELETE');
const ON_UPDATE = actionsOn('UPDATE');

/** What foreign keys do by themselves differs from schema to schema. A primary key cannot become NULL. */
function createTable(name: string, chance: Chance): string {
  const columns = TABLES[name] ?? '';
  const allowed = (actions: readonly string[]): string[] =>
    actions.filter((action) => name !== 'twin' || !action.endsWith('NULL'));
  const actions = columns.includes('REFERENCES')
    ? chance.pick(allowed(ON_DELETE)) + chance.pick(allowed(ON_UPDATE))
    : '';
  return `CREATE TABLE ${name} (${columns}${actions})`;
}

const fill = (name: string): string => {
  const columns = ['n, note', ...(HAS_UP.includes(name) ? ['up'] : []), ...(HAS_LAST.includes(name) ? ['last'] : [])];
  const up = name === 'tree' ? 'NULL' : 'IF(seq % 4 = 0, NULL, seq)';
  const values = ["seq, CONCAT('r', seq)", ...(HAS_UP.includes(name) ? [up] : [])];
  return `INSERT INTO ${name} (${columns.join(', ')}) SELECT ${[...values, ...(HAS_LAST.includes(name) ? ['seq'] : [])].join(', ')} FROM seq_1_to_${REFERRED.has(name) ? MANY_ROWS : ROWS}`;
};

const SET_UP: readonly string[] = [
  ...NAMES.map(fill),
  'UPDATE tree SET up = id - 1 WHERE id > 100',
  'CREATE TRIGGER plain_ai AFTER INSERT ON plain FOR EACH ROW INSERT INTO other (n, note) VALUES (NEW.n, NEW.note)',
  'CREATE TRIGGER other_bi BEFORE INSERT ON other FOR EACH ROW SET NEW.n = COALESCE(NEW.n, 0) + 1',
  'CREATE VIEW shown AS SELECT n, note FROM plain',
  'CREATE FUNCTION doubled(n INT) RETURNS INT DETERMINISTIC RETURN n * 2',
  'CREATE FUNCTION writes(x INT) RETURNS INT MODIFIES SQL DATA BEGIN UPDATE other SET n = x WHERE id = x; RETURN x; END',
  "CREATE PROCEDURE fill() INSERT INTO bare (n, note, last) VALUES (doubled(1), 'filled', 0)",
  'CREATE EVENT hourly ON SCHEDULE EVERY 1 HOUR DO DELETE FROM bare',
];

/** Tables whose rows foreign keys may have changed with those of this one. */
export function tablesBelow(table: string): readonly string[] {
  return REFERRED.get(table) ?? [];
}

/** The same for the same seed. */
export function skipWorkload(seed: number): SkipWorkload {
  const chance = new Chance(seed);
  const schema = `s${seed}`;
  const user = `'u${seed}'@'%'`;
  const format = chance.pick(['ROW', 'ROW', 'ROW', 'MIXED', 'STATEMENT']);
  const image = chance.pick(['FULL', 'FULL', 'MINIMAL', 'NOBLOB']);
  const victim = chance.percent(40) ? chance.pick([...REFERRED.keys()]) : chance.pick(NAMES);
  const context: Context = { chance, user, victim };
  const checks = chance.percent(30) ? 0 : 1;
  return {
    schema,
    setUp: [
      `CREATE DATABASE ${schema}`,
      `USE ${schema}`,
      ...NAMES.map((name) => createTable(name, chance)),
      ...SET_UP,
      `CREATE USER ${user}`,
    ],
    steps: [
      `USE ${schema}`,
      `SET SESSION binlog_format = '${format}', binlog_row_image = '${image}', foreign_key_checks = ${checks}`,
      ...(chance.percent(55) ? family(context) : mixture(context)),
      // What says REFERENCES makes later incidents of the batch less certain.
      ...(chance.percent(3) ? [LATE] : []),
    ],
  };
}

const LATE =
  'CREATE TABLE late (id INT PRIMARY KEY, up INT, CONSTRAINT to_parent FOREIGN KEY (up) REFERENCES other (id))';

interface Context {
  readonly chance: Chance;
  readonly user: string;
  /** The table that most things are about. */
  readonly victim: string;
}

function mixture(context: Context): string[] {
  const { chance } = context;
  const some = (most: number): string[] => Array.from({ length: chance.int(most + 1) }, () => activity(context)).flat();
  return [
    ...some(3),
    ...incident(context),
    ...some(5),
    ...(chance.percent(30) ? incident({ ...context, victim: chance.pick(NAMES) }) : []),
    ...some(3),
  ];
}

/**
 * Rows that foreign keys change rows of others with, and what comes to one of these: text may tell of the first, rows of the others. One kind
 * of change alone: what is seen by one of another kind would be no less of a conflict.
 */
function family({ chance }: Context): string[] {
  const victim = chance.pick([...REFERRED.keys()]);
  const table = chance.pick(tablesBelow(victim));
  const make = chance.pick(HAS_NO_ID.includes(table) ? TO_ROWS : TO_KEYED_ROWS);
  const later = Array.from({ length: 4 + chance.int(6) }, () => {
    return make(table, 1 + chance.int(ROWS) + (chance.percent(40) ? SHIFT : 0));
  });
  const begin = ['SET SESSION foreign_key_checks = 1', chance.pick(GOES_ON)(victim)];
  return [...begin, "SET SESSION binlog_format = 'ROW'", ...later];
}

type RowChange = (table: string, value: number) => string;

const TO_ROWS: readonly RowChange[] = [
  (table, value) => `UPDATE ${table} SET note = 'seen' WHERE n = ${value % SHIFT}`,
  (table, value) => `DELETE FROM ${table} WHERE n = ${value % SHIFT}`,
];
const TO_KEYED_ROWS: readonly RowChange[] = [
  (table, value) => `INSERT INTO ${table} (id, n, note) VALUES (${value}, 1, 'new')`,
  (table, value) => `UPDATE ${table} SET note = 'seen' WHERE id = ${value}`,
  (table, value) => `DELETE FROM ${table} WHERE id = ${value}`,
];

const GOES_ON: readonly ((victim: string) => string)[] = [
  (victim) => `DELETE FROM ${victim}`,
  (victim) => `DELETE FROM ${victim} WHERE id > 5`,
  (victim) => `UPDATE ${victim} SET id = id + ${SHIFT}`,
  (victim) => `UPDATE ${victim} SET note = 'lost'`,
];

/** Each way to lose something. */
function incident({ chance, user, victim }: Context): string[] {
  const last = HAS_LAST.includes(victim) ? 'last' : 'note';
  if (REFERRED.has(victim) && chance.percent(50)) return [chance.pick(GOES_ON)(victim)];
  return chance.pick([
    [`SET STATEMENT foreign_key_checks = 0 FOR DROP TABLE ${victim}`],
    [`DROP TABLE ${victim}`],
    [`TRUNCATE TABLE ${victim}`],
    [`DELETE FROM ${victim}`],
    [`DELETE FROM ${victim} WHERE ${HAS_NO_ID.includes(victim) ? 'n' : 'id'} > 5`],
    [`UPDATE ${victim} SET note = 'lost'`],
    [`UPDATE ${victim} SET n = n + 1000`],
    ...(HAS_NO_ID.includes(victim) ? [] : [[`UPDATE ${victim} SET id = id + ${SHIFT}`]]),
    [`ALTER TABLE ${victim} DROP COLUMN ${last}`],
    [`ALTER TABLE ${victim} DROP COLUMN ${last}`],
    [`ALTER TABLE ${victim} DROP COLUMN n`],
    ['ALTER TABLE only DROP COLUMN note, DROP INDEX only_last'],
    ['ALTER TABLE child DROP FOREIGN KEY to_parent, DROP COLUMN note'],
    [`RENAME TABLE ${victim} TO moved`],
    ['DROP VIEW shown'],
    [`DROP TRIGGER ${chance.pick(['plain_ai', 'other_bi'])}`],
    ['DROP FUNCTION doubled'],
    ['DROP PROCEDURE fill'],
    ['DROP EVENT hourly'],
    [`DROP USER ${user}`],
    ['BEGIN', 'DELETE FROM other', `DELETE FROM ${victim} WHERE n < 120`, 'COMMIT'],
  ]);
}

function activity(context: Context): string[] {
  const { chance } = context;
  const kind = chance.weighted([
    { weight: 12, make: change },
    {
      weight: 3,
      make: (c: Context) => ['BEGIN', ...change(c), ...change(c), chance.percent(80) ? 'COMMIT' : 'ROLLBACK'],
    },
    { weight: 5, make: (c: Context) => [c.chance.pick(DEFINITIONS)(c)] },
    { weight: 4, make: (c: Context) => [c.chance.pick(STORED)(c)] },
    { weight: 4, make: (c: Context) => c.chance.pick(COPIES)(c) },
  ]);
  return kind.make(context);
}

const near = ({ chance, victim }: Context): string =>
  chance.percent(50) ? chance.pick([victim, ...tablesBelow(victim)]) : chance.pick(NAMES);
const id = (chance: Chance): number => 1 + chance.int(ROWS + 30) + (chance.percent(25) ? SHIFT : 0);

function change(context: Context): string[] {
  const { chance } = context;
  const table = near(context);
  const key = HAS_NO_ID.includes(table) ? 'n' : 'id';
  const columns = [
    ...(!HAS_NO_ID.includes(table) && (table === 'twin' || chance.percent(40)) ? ['id'] : []),
    'n',
    'note',
  ];
  const up = HAS_UP.includes(table) && chance.percent(60);
  const values = columns.map((column) => (column === 'note' ? `'x${chance.int(99)}'` : String(id(chance))));
  const into = `${table} (${[...columns, ...(up ? ['up'] : [])].join(', ')}) VALUES (${[...values, ...(up ? [String(id(chance))] : [])].join(', ')})`;
  const moved =
    HAS_LAST.includes(table) && chance.percent(40) ? `, last) VALUES (${values.join(', ')}, ${id(chance)})` : null;
  return [
    chance.weighted([
      { weight: 6, sql: `INSERT INTO ${into}` },
      {
        weight: 4,
        sql: moved === null ? `INSERT INTO ${into}` : `INSERT INTO ${table} (${columns.join(', ')}${moved}`,
      },
      { weight: 2, sql: `REPLACE INTO ${into}` },
      { weight: 1, sql: `INSERT IGNORE INTO ${into}` },
      { weight: 5, sql: `UPDATE ${table} SET n = ${id(chance)} WHERE ${key} = ${id(chance)}` },
      { weight: 2, sql: `UPDATE ${table} SET ${key} = ${id(chance)} WHERE ${key} = ${id(chance)}` },
      { weight: 1, sql: `UPDATE ${table} SET last = ${id(chance)} WHERE ${key} = ${id(chance)}` },
      { weight: 5, sql: `DELETE FROM ${table} WHERE ${key} = ${id(chance)}` },
      { weight: 1, sql: `DELETE FROM ${table} WHERE ${key} < ${chance.int(60)}` },
    ]).sql,
  ];
}

const DEFINITIONS: readonly ((context: Context) => string)[] = [
  (c) => `CREATE TABLE ${c.victim} (id INT AUTO_INCREMENT PRIMARY KEY, n INT, note VARCHAR(40))`,
  (c) => `CREATE TABLE IF NOT EXISTS ${c.victim} (id INT AUTO_INCREMENT PRIMARY KEY, n INT, note VARCHAR(40))`,
  (c) => `CREATE OR REPLACE TABLE ${c.victim} (id INT AUTO_INCREMENT PRIMARY KEY, n INT, note VARCHAR(40))`,
  (c) => `ALTER TABLE ${near(c)} ADD COLUMN extra INT${c.chance.pick(['', ' NOT NULL DEFAULT 4', ' FIRST'])}`,
  (c) => `ALTER TABLE ${near(c)} ADD COLUMN id2 INT AUTO_INCREMENT UNIQUE`,
  (c) => `ALTER TABLE ${near(c)} ADD COLUMN day DATE NOT NULL`,
  (c) => `ALTER TABLE ${near(c)} DROP COLUMN n, ADD COLUMN later INT`,
  (c) => `ALTER TABLE ${near(c)} ADD COLUMN last INT`,
  (c) => `ALTER TABLE ${near(c)} CHANGE n last INT`,
  (c) => `ALTER TABLE ${near(c)} CHANGE note note VARCHAR(40) NOT NULL`,
  (c) => `ALTER TABLE ${near(c)} MODIFY n BIGINT`,
  (c) => `ALTER TABLE ${near(c)} ENGINE=${c.chance.pick(['InnoDB', 'MyISAM', 'Aria'])}`,
  (c) => `ALTER TABLE ${near(c)} ADD ${c.chance.pick(['UNIQUE ', ''])}KEY by_n (n)`,
  (c) => `CREATE INDEX only_last ON ${near(c)} (n)`,
  (c) => `ALTER TABLE ${near(c)} COMMENT = 'seen'`,
  (c) => `RENAME TABLE ${near(c)} TO ${c.chance.pick(['moved', 'elsewhere'])}`,
  () => 'RENAME TABLE moved TO elsewhere',
  (c) => `TRUNCATE TABLE ${near(c)}`,
  (c) => `OPTIMIZE TABLE ${near(c)}`,
];

const STORED: readonly ((context: Context) => string)[] = [
  () => 'CREATE TRIGGER plain_ai AFTER INSERT ON bare FOR EACH ROW UPDATE other SET n = n + 1 WHERE id = 1',
  (c) => `CREATE TRIGGER late_ai AFTER INSERT ON ${c.chance.pick(NAMES)} FOR EACH ROW UPDATE ${c.victim} SET n = n + 1`,
  (c) => `CREATE OR REPLACE VIEW shown AS SELECT * FROM ${near(c)}`,
  (c) => `CREATE VIEW late_view AS SELECT note FROM ${c.victim}`,
  () => 'CREATE FUNCTION doubled(n INT) RETURNS INT DETERMINISTIC RETURN n * 3',
  () => "CREATE OR REPLACE PROCEDURE fill() INSERT INTO bare (n, note, last) VALUES (1, 'filled', 0)",
  () => 'CREATE EVENT IF NOT EXISTS hourly ON SCHEDULE EVERY 2 HOUR DO DELETE FROM bare',
  ({ user }) => `CREATE USER IF NOT EXISTS ${user}`,
  ({ user }) => `CREATE USER ${user}`,
  ({ user, victim }) => `GRANT SELECT ON ${victim} TO ${user}`,
];

const COPIES: readonly ((context: Context) => string[])[] = [
  (c) => [`CREATE TABLE copied LIKE ${near(c)}`, 'INSERT INTO copied (n, note) VALUES (1, NULL)'],
  (c) => [`CREATE TABLE copied AS SELECT * FROM ${near(c)}`],
  (c) => [`INSERT INTO other (n, note) SELECT n, note FROM ${near(c)} WHERE n < 4`],
  () => ['INSERT INTO other (n, note) SELECT n, note FROM late_view LIMIT 3'],
  () => ['INSERT INTO other (n, note) SELECT n, note FROM shown WHERE n < 3'],
  (c) => [`INSERT INTO bare (n, note, last) VALUES (doubled(${c.chance.int(9)}), 'd', 0)`],
  (c) => [`SELECT writes(${id(c.chance)})`],
  () => ['CALL fill()'],
];
