import type { Chance } from '../chance.ts';

/** A table of a workload: every statement that names it also works after columns were added to it. */
export interface RandomTable {
  readonly name: string;
  readonly columns: string;
  /** Beside the engine: PARTITION BY and the like. */
  readonly after?: string;
  /** One of these by chance; InnoDB when not given. */
  readonly engines?: readonly string[];
  /** The columns that inserts name, and their values as SQL. */
  readonly into: string;
  values(chance: Chance, source: ValueSource): string;
  /** Columns that an UPDATE may set, with their values. */
  readonly set: (chance: Chance) => string;
}

/** What differs between sessions: functions that a log of statements cannot repeat are left out of theirs. */
export interface ValueSource {
  readonly repeatable: boolean;
}

const id = (chance: Chance): string => (chance.percent(40) ? 'NULL' : String(chance.int(60) + 1));
const text = (chance: Chance): string => (chance.percent(10) ? 'NULL' : `'${chance.text()}'`);
const number = (chance: Chance): string => (chance.percent(10) ? 'NULL' : String(chance.int(2000) - 1000));

/** Values of a table with a column of nearly every type, in the order of its columns. */
const WIDE: readonly (readonly [string, (chance: Chance, source: ValueSource) => string])[] = [
  ['ti TINYINT', (c) => String(c.int(256) - 128)],
  ['su SMALLINT UNSIGNED', (c) => String(c.int(65_536))],
  ['mi MEDIUMINT', (c) => String(c.int(1000) - 500)],
  ['bu BIGINT UNSIGNED', (c) => c.pick(['0', '18446744073709551615', '9007199254740993', 'NULL'])],
  ['fl FLOAT', (c) => c.pick(['0.1', '-1e30', '3.4028234e38', 'NULL'])],
  ['db DOUBLE', (c, { repeatable }) => (repeatable ? c.pick(['0.1', '1e-300', '-0.0']) : 'RAND()')],
  ['de DECIMAL(30,10)', (c) => `${c.int(1e9)}.${c.int(1e9)}`],
  ['bt BIT(9)', (c) => `b'${c.int(512).toString(2)}'`],
  ['ye YEAR', (c) => c.pick(['1901', '2155', '0', 'NULL'])],
  ['da DATE', (c) => c.pick(["'2026-11-22'", "'0000-00-00'", "'9999-12-31'", 'CURRENT_DATE'])],
  ['ti6 TIME(6)', (c) => c.pick(["'-838:59:59'", "'00:00:00.000001'", 'CURRENT_TIME(6)', 'NULL'])],
  ['dt DATETIME(3)', (c) => c.pick(["'2026-11-22 10:00:00.123'", 'NOW(3)', 'NULL'])],
  ['ts TIMESTAMP(6) NULL', (c) => c.pick(["'2001-02-03 04:05:06.000001'", 'NOW(6)', 'NULL'])],
  ['ch CHAR(10) CHARACTER SET latin1', (c) => c.pick(["'abc'", "_latin1 x'80E4FF'", "''", 'NULL'])],
  ['uc VARCHAR(20) CHARACTER SET utf16', (c) => c.pick(["'Ж漢'", "''", 'NULL'])],
  ['vb VARBINARY(300)', (c) => `REPEAT(x'00FF27', ${c.int(100)})`],
  ['bl LONGBLOB', (c) => `REPEAT('${c.pick(['x', 'é', '\\0'])}', ${c.pick([0, 1, 300, 70_000])})`],
  ["en ENUM('a','b,c','ü')", (c) => c.pick(["'a'", "'b,c'", "'ü'", 'NULL'])],
  ["se SET('x','y','z')", (c) => c.pick(["'x'", "'x,z'", "''", 'NULL'])],
  ['js JSON', (c) => `JSON_OBJECT('k', ${c.int(9)}, 'l', JSON_ARRAY(1, 'ä', NULL))`],
  ['ge GEOMETRY', (c) => c.pick(["ST_GeomFromText('POINT(1.5 -2.25)')", 'NULL'])],
  ['uu UUID', (c, { repeatable }) => (repeatable ? `'00000000-0000-0000-0000-0000000000${10 + c.int(89)}'` : 'UUID()')],
  ['i6 INET6', (c) => c.pick(["'::1'", "'ffff::'", 'NULL'])],
];

const touched = 'touched TIMESTAMP(2) NOT NULL DEFAULT CURRENT_TIMESTAMP(2) ON UPDATE CURRENT_TIMESTAMP(2)';

export const TABLES: readonly RandomTable[] = [
  {
    name: 'wide',
    columns: `id INT AUTO_INCREMENT PRIMARY KEY, ${WIDE.map(([column]) => column).join(', ')}, ${touched}`,
    engines: ['InnoDB', 'InnoDB', 'MyISAM', 'Aria'],
    into: `id, ${WIDE.map(([column]) => column.split(' ')[0]).join(', ')}`,
    values: (chance, source) => [id(chance), ...WIDE.map(([, value]) => value(chance, source))].join(', '),
    set: (chance) => `mi = mi + 1, bl = CONCAT(COALESCE(bl, ''), '${chance.text()}')`,
  },
  {
    name: 'computed',
    columns: `id INT AUTO_INCREMENT PRIMARY KEY, a INT, b VARCHAR(60), v BIGINT AS (a * 2) VIRTUAL,
      s BIGINT AS (a + 1) STORED, u VARCHAR(60) AS (UPPER(b)) VIRTUAL, l INT AS (CHAR_LENGTH(b)) STORED, KEY (v), KEY (s), CHECK (a < 100000)`,
    into: 'id, a, b',
    values: (chance) => `${id(chance)}, ${number(chance)}, ${text(chance)}`,
    set: (chance) => `a = ${number(chance)}, b = ${text(chance)}`,
  },
  {
    name: 'parent',
    columns: 'id INT AUTO_INCREMENT PRIMARY KEY, code INT UNIQUE, note VARCHAR(60)',
    into: 'id, code, note',
    values: (chance) => `${id(chance)}, ${chance.int(500)}, ${text(chance)}`,
    set: (chance) => `id = id + ${chance.int(3) * 100}, note = ${text(chance)}`,
  },
  {
    name: 'child',
    columns: `id INT AUTO_INCREMENT PRIMARY KEY, parent INT, kept INT, note VARCHAR(60),
      FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE,
      FOREIGN KEY (kept) REFERENCES parent (id) ON DELETE SET NULL ON UPDATE CASCADE`,
    into: 'parent, kept, note',
    values: (chance) => `${chance.int(60) + 1}, NULL, ${text(chance)}`,
    set: (chance) => `note = ${text(chance)}`,
  },
  {
    name: 'watched',
    columns: 'id INT AUTO_INCREMENT PRIMARY KEY, n INT, note VARCHAR(60)',
    into: 'n, note',
    values: (chance) => `${number(chance)}, ${text(chance)}`,
    set: (chance) => `n = ${number(chance)}`,
  },
  {
    name: 'audit',
    // Filled by triggers: a log of statements has no number for it.
    columns: `what VARCHAR(20), was INT, is_now INT, ${touched}`,
    into: 'what, was',
    values: (chance) => `'by hand', ${number(chance)}`,
    set: () => "what = 'changed'",
  },
  {
    name: 'keyless',
    columns: 'n INT, note VARCHAR(60), more BLOB',
    engines: ['InnoDB', 'MyISAM', 'Aria'],
    into: 'n, note',
    values: (chance) => `${chance.int(5)}, ${text(chance)}`,
    set: (chance) => `n = ${chance.int(5)}`,
  },
  {
    name: 'parts',
    columns: 'id INT NOT NULL, n INT, note VARCHAR(60), PRIMARY KEY (id)',
    after: `PARTITION BY RANGE (id) (PARTITION low VALUES LESS THAN (20), PARTITION mid VALUES LESS THAN (40),
      PARTITION high VALUES LESS THAN MAXVALUE)`,
    engines: ['InnoDB', 'InnoDB', 'Aria'],
    into: 'id, n, note',
    values: (chance) => `${chance.int(60)}, ${number(chance)}, ${text(chance)}`,
    set: (chance) => `n = ${number(chance)}`,
  },
  {
    name: 'odd `näme; "漢"',
    columns: '`séleçt` INT AUTO_INCREMENT PRIMARY KEY, `a b` TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin',
    engines: ['InnoDB', 'MyISAM'],
    into: '`a b`',
    values: (chance) => text(chance),
    set: (chance) => `\`a b\` = ${text(chance)}`,
  },
];

/** The only column of a table that orders its rows without a doubt; null where there is none. */
export function keyOf({ name, columns }: RandomTable): string | null {
  if (name === 'keyless' || name === 'audit') return null;
  return columns.startsWith('`séleçt`') ? '`séleçt`' : 'id';
}

/** Tables that are InnoDB's in every workload. */
export const TRANSACTIONAL = TABLES.filter(({ engines }) => engines === undefined);

export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
