import type { ServerConnection } from '../../src/server/connection.ts';

/** Columns of every type that both flavors know, and in every form that their values have in row images. */
const COLUMNS = [
  'id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY',
  'ti TINYINT, tiu TINYINT UNSIGNED, si SMALLINT, mi MEDIUMINT, miu MEDIUMINT UNSIGNED, i INT, iu INT UNSIGNED',
  'bi BIGINT, biu BIGINT UNSIGNED, f FLOAT, d DOUBLE, f2 FLOAT(7,3)',
  'dec1 DECIMAL(10,0), dec2 DECIMAL(65,30), dec3 DECIMAL(5,5), dec4 DECIMAL(20,9)',
  'b1 BIT(1), b9 BIT(9), b64 BIT(64), y YEAR, da DATE',
  't0 TIME, t1 TIME(1), t2 TIME(2), t3 TIME(3), t5 TIME(5), t6 TIME(6)',
  'dt DATETIME, dt3 DATETIME(3), dt6 DATETIME(6), ts TIMESTAMP NULL, ts2 TIMESTAMP(2) NULL, ts6 TIMESTAMP(6) NULL',
  'c CHAR(20), cb BINARY(16), v VARCHAR(50), vb VARBINARY(50), vl VARCHAR(400)',
  'tt TINYTEXT, tx TEXT, mt MEDIUMTEXT, lt LONGTEXT, tb TINYBLOB, bl BLOB, mb MEDIUMBLOB, lb LONGBLOB',
  'l1 VARCHAR(50) CHARACTER SET latin1, sj VARCHAR(50) CHARACTER SET sjis, u16 VARCHAR(20) CHARACTER SET utf16',
  'c3 CHAR(100) CHARACTER SET utf8, l1t TEXT CHARACTER SET latin1',
  "e ENUM('a','b,c','d''e','ü') CHARACTER SET utf8mb4, s SET('x','y','z','ä'), g GEOMETRY, p POINT",
  'touched TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP',
].join(', ');

/** What only MariaDB has. */
const MARIADB_COLUMNS = ', uu UUID, i6 INET6, i4 INET4, js JSON, vc VARCHAR(100) COMPRESSED';

const ALL_ONES = `b'${'1'.repeat(64)}'`;

/** The largest, the smallest, the strangest. */
const ROWS = [
  `-128, 255, -32768, -8388608, 16777215, -2147483648, 4294967295, -9223372036854775808, 18446744073709551615,
   3.4028234e38, 1.7976931348623157e308, -1234.567, -9999999999,
   -12345678901234567890123456789012345.123456789012345678901234567891, -0.12345, -12345678901.123456789,
   b'1', b'101010101', ${ALL_ONES}, 2155, '9999-12-31',
   '-838:59:59', '-00:00:00.1', '838:59:58.99', '-00:01:00.000', '-00:00:00.00001', '-100:00:00.000001',
   '9999-12-31 23:59:59', '1000-01-01 00:00:00.001', '2026-11-22 10:00:00.123456',
   '2038-01-19 03:14:07', '1970-01-01 00:00:01.01', '2001-02-03 04:05:06.000001',
   'trail  ', x'0102030000000000000000000000000000', 'ünï 𝄞 \\\\ '' " \\n', '\\0\\0', REPEAT('ß', 400),
   'tiny', '', REPEAT('x', 70000), 'long', x'00FF', x'', x'DEADBEEF', REPEAT(x'00', 300),
   _latin1 x'80818DE4FF5C27', _sjis x'835C8F5C', _utf16 x'D834DD1E0041', REPEAT('€', 100), _latin1 x'00419D',
   'b,c', 'x,z', ST_GeomFromText('POLYGON((0 0,10 0,10 10,0 10,0 0))', 4326), ST_GeomFromText('POINT(1.5 -2.25)')`,
  `127, 0, 32767, 8388607, 0, 2147483647, 0, 9223372036854775807, 9007199254740993,
   0.1, -0.0, 0.001, 0, 0.000000000000000000000000000001, 0, 0, b'0', b'0', b'0', 0, '0000-00-00',
   '00:00:00', '-01:00:00.9', '00:00:00.01', '12:34:56.789', '-12:59:59.99999', '00:00:00.000001',
   '0000-00-00 00:00:00', '2026-02-00 00:00:00.5', '0000-00-00 00:00:00',
   '0000-00-00 00:00:00', '0000-00-00 00:00:00', '1999-12-31 23:59:59.999999',
   '', '', '', x'', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '',
   ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,1 1))'), NULL`,
  Array.from({ length: 55 }, () => 'NULL').join(', '),
  `1, 1, 1, 1, 1, 1, 1, 1, 1, 1.17549e-38, 5e-324, 1, 1, 1, 0.1, 0.1, b'1', b'1', b'1', 1901, '1000-01-01',
   '-00:00:01', '00:00:00', '00:00:00', '00:00:00', '00:00:00', '-838:59:59', '2026-01-01', '2026-01-01', '2026-01-01',
   '2026-01-01', '2026-01-01', '2026-01-01', 'ä', 'ab', '\\t\\r\\n\\0\\Z', 'a''b', 'v', '', '', '', '', '', '', '', '',
   '', '', '', '', '', 'no such value', '', NULL, NULL`,
];

const LARGE_ROWS = 1;

/** Makes `shop.t` with at least so many rows: strange ones, again and again. The session keeps its lax mode. */
export async function fillStrangeRows(connection: ServerConnection, rows: number): Promise<void> {
  const isMariadb = connection.flavor === 'mariadb';
  await connection.query('SET NAMES utf8mb4');
  await connection.query("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'");
  await connection.query('CREATE DATABASE shop CHARACTER SET utf8mb4');
  await connection.query(`CREATE TABLE shop.t (${COLUMNS}${isMariadb ? MARIADB_COLUMNS : ''})`);
  const all = await connection.query<{ name: string }>(
    "SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 't' ORDER BY ORDINAL_POSITION",
  );
  const names = all.map(({ name }) => name).filter((name) => name !== 'id');
  const columns = names.slice(0, names.indexOf('touched')).join(', ');
  for (const row of ROWS) await connection.query(`INSERT INTO shop.t (${columns}) VALUES (${row})`);
  if (isMariadb) {
    const [uuid, six, four] = ['123e4567-e89b-12d3-a456-426655440000', '2001:db8::ff00:42:0', '10.0.0.0'];
    await connection.query(
      `UPDATE shop.t SET uu = '${uuid}', i6 = '${six}', i4 = '${four}', js = '{"a": 1.0, "ü": [null]}', vc = REPEAT('z', 90)`,
    );
  }
  const copied = names.join(', ');
  for (let have = ROWS.length - LARGE_ROWS; have < rows; have *= 2) {
    await connection.query(
      `INSERT INTO shop.t (${copied}) SELECT ${copied} FROM shop.t WHERE id > ${LARGE_ROWS} LIMIT ${rows - have}`,
    );
  }
}

/** A change of every column, but for keys, what is computed, and what follows the clock. */
export const CHANGE_ALL = `UPDATE shop.t SET ti = NULL, tiu = 7, biu = 5, bi = -1, f = 1, d = 1, dec2 = 1, dec4 = NULL, b64 = 1, y = 2000,
   da = NULL, t1 = NULL, t6 = '10:00:00', dt3 = NULL, dt6 = '2020-01-01', ts = NULL, ts6 = '2020-01-01 00:00:01', c = 'x', cb = NULL,
   v = 'x', vb = NULL, tx = 'x', mt = 'm', bl = 'q', lb = NULL, l1 = NULL, sj = 'x', u16 = NULL, c3 = '', e = NULL, s = 'y', g = NULL, p = NULL`;
