/** Columns of every type that a server has, with a row of as little and a row of as much as they hold. */
export interface AllTypes {
  /** Without the primary key `id`. */
  readonly columns: string;
  /** The names of those that a statement may give values for. */
  readonly names: string;
  /** Values for these. */
  readonly least: string;
  readonly most: string;
  /** Assignments that change every row. */
  readonly change: string;
}

/** Type, least value, largest value. */
type Column = readonly [type: string, least: string, most: string];

const COMMON: readonly Column[] = [
  ['TINYINT', 'NULL', '-128'],
  ['TINYINT NOT NULL', '0', '127'],
  ['SMALLINT', 'NULL', '32767'],
  ['MEDIUMINT UNSIGNED', 'NULL', '16777215'],
  ['INT', 'NULL', '-2147483648'],
  ['BIGINT UNSIGNED', 'NULL', '18446744073709551615'],
  ['DECIMAL(65, 30)', 'NULL', '-99999999999999999999999999999999999.999999999999999999999999999999'],
  ['DECIMAL(5, 5) NOT NULL', '0', '0.99999'],
  ['DECIMAL(10, 0)', 'NULL', '9999999999'],
  ['DECIMAL(19, 4)', '0', '1.5'],
  ['FLOAT', 'NULL', '1.5e30'],
  ['DOUBLE', 'NULL', '-1.5e300'],
  ['BIT(1)', 'NULL', "b'1'"],
  ['BIT(8)', "b'0'", "b'11111111'"],
  ['BIT(9)', 'NULL', "b'111111111'"],
  ['BIT(64) NOT NULL', "b'0'", '18446744073709551615'],
  ['DATE', 'NULL', "'9999-12-31'"],
  ['TIME', 'NULL', "'-838:59:59'"],
  ['TIME(3)', 'NULL', "'838:59:58.999'"],
  ['TIME(6) NOT NULL', "'00:00:00'", "'-00:00:00.000001'"],
  ['DATETIME', 'NULL', "'9999-12-31 23:59:59'"],
  ['DATETIME(1)', 'NULL', "'1000-01-01 00:00:00.1'"],
  ['DATETIME(4)', 'NULL', "'2026-11-22 10:00:00.1234'"],
  ['DATETIME(6)', 'NULL', "'9999-12-31 23:59:59.999999'"],
  ['TIMESTAMP NULL', 'NULL', "'2038-01-19 03:14:07'"],
  ['TIMESTAMP(2) NULL', 'NULL', "'2001-01-01 01:01:01.99'"],
  ['TIMESTAMP(6) NULL', 'NULL', "'2001-01-01 01:01:01.999999'"],
  ['YEAR', 'NULL', '2155'],
  ['CHAR(1)', "''", "'x'"],
  ['CHAR(0)', 'NULL', "''"],
  ['CHAR(255) CHARACTER SET utf8mb4', 'NULL', "REPEAT('€', 255)"],
  ['CHAR(64) CHARACTER SET utf8', "''", "'ä'"],
  ['BINARY(255) NOT NULL', "''", "REPEAT('x', 255)"],
  ['VARCHAR(255) CHARACTER SET latin1', "''", "REPEAT('x', 255)"],
  ['VARCHAR(256) CHARACTER SET latin1', 'NULL', "REPEAT('x', 256)"],
  ['VARCHAR(64) CHARACTER SET utf8mb4', "''", "REPEAT('€', 64)"],
  ['VARBINARY(1000)', "''", "REPEAT('x', 1000)"],
  ['TINYBLOB', 'NULL', "REPEAT('x', 255)"],
  ['BLOB', "''", "REPEAT('x', 300)"],
  ['MEDIUMBLOB', 'NULL', "REPEAT('x', 300)"],
  ['LONGBLOB', 'NULL', "REPEAT('x', 300)"],
  ['TINYTEXT', 'NULL', "'x'"],
  ['TEXT', "''", "REPEAT('ä', 300)"],
  ['LONGTEXT', 'NULL', "'x'"],
  ["ENUM('a', 'b')", 'NULL', "'b'"],
  [`ENUM(${Array.from({ length: 300 }, (_, index) => `'${index}'`).join(', ')})`, 'NULL', "'299'"],
  ["SET('a', 'b')", "''", "'a,b'"],
  [`SET(${Array.from({ length: 64 }, (_, index) => `'${index}'`).join(', ')})`, 'NULL', "'0,63'"],
  ['GEOMETRY', 'NULL', "GeomFromText('POINT(1 1)')"],
];

const MARIADB: readonly Column[] = [
  ...COMMON,
  ['JSON', 'NULL', `'{"a": [1, 2]}'`],
  ['INET4', 'NULL', "'255.255.255.255'"],
  ['INET6', 'NULL', "'::1'"],
  ['INET6 NOT NULL', "'::'", "'ffff:ffff::1'"],
  ['UUID', 'NULL', "'ffffffff-ffff-ffff-ffff-ffffffffffff'"],
  ['VARCHAR(3000) CHARACTER SET latin1 COMPRESSED', 'NULL', "REPEAT('x', 3000)"],
  ['TEXT COMPRESSED', "''", "REPEAT('x', 3000)"],
  ['BLOB COMPRESSED', 'NULL', "'x'"],
];

const GENERATED = ['s CHAR(40) AS (UPPER(c0)) STORED', 'v CHAR(40) AS (UPPER(c1)) VIRTUAL'];

function allTypes(columns: readonly Column[], generated: readonly string[] = []): AllTypes {
  return {
    columns: [...columns.map(([type], index) => `c${index} ${type}`), ...generated].join(', '),
    names: columns.map((_, index) => `c${index}`).join(', '),
    least: columns.map(([, least]) => least).join(', '),
    most: columns.map(([, , most]) => most).join(', '),
    change: 'c1 = c1 - 1',
  };
}

export const ALL_TYPES_MARIADB = allTypes(MARIADB, GENERATED);
export const ALL_TYPES_MYSQL = allTypes(COMMON);
