import { describe, expect, it } from 'vitest';
import type { QueryEvent } from '../../../src/binlog/group.ts';
import { mayDestroy } from '../../../src/incident/may-destroy.ts';
import { ANSI_QUOTES, aQuery, MARIADB, MYSQL_84, NO_BACKSLASH_ESCAPES, summaryOf } from './statements.ts';

/** Statement, what it may destroy; the default schema is `shop`. */
type Row = readonly [statement: string, destroys: string];

/** All rows of one table, whatever they are. */
const EVERY_ROW: readonly Row[] = [
  ['DELETE FROM a', 'mass-delete shop.a'],
  ['DELETE FROM a;', 'mass-delete shop.a'],
  ['delete low_priority quick ignore from x.a', 'mass-delete x.a'],
  ['DELETE FROM a ORDER BY id', 'mass-delete shop.a'],
  ['DELETE FROM a PARTITION (p0) RETURNING id', 'mass-delete shop.a'],
  ['DELETE FROM a AS x', 'mass-delete shop.a'],
  ['DELETE a FROM a', 'mass-delete shop.a'],
  ['DELETE FROM x USING a AS x', 'mass-delete shop.a'],
  ['DELETE HISTORY FROM a', 'mass-delete shop.a'],
  ['ANALYZE DELETE FROM a', 'mass-delete shop.a'],
  ['ANALYZE FORMAT=JSON UPDATE a SET b = 1', 'mass-update shop.a'],
  ['SET STATEMENT max_statement_time=1 FOR DELETE FROM a', 'mass-delete shop.a'],
  ['UPDATE a SET b = 1', 'mass-update shop.a'],
  ["UPDATE LOW_PRIORITY IGNORE x.a SET b = ' WHERE ', c = (SELECT 1 FROM d WHERE e)", 'mass-update x.a'],
  ['UPDATE a SET b = 1 -- WHERE id = 1', 'mass-update shop.a'],
  ['UPDATE a SET b = LAST_INSERT_ID()', 'mass-update shop.a'],
  ['UPDATE a SET b = LAST_INSERT_ID(5), last_insert_id = 1', 'mass-update shop.a'],
  ['UPDATE a SET b = 1 ORDER BY LAST_INSERT_ID (1)', 'mass-update shop.a'],
  ['UPDATE a /* WHERE */ SET `where` = 1 # WHERE', 'mass-update shop.a'],
];

const MAYBE_EVERY_ROW: readonly Row[] = [
  ['DELETE FROM a ORDER BY id LIMIT 1000', 'mass-delete shop.a ?'],
  ['DELETE FROM a WHERE (1 = 1) LIMIT 25', 'mass-delete shop.a ?'],
  ['DELETE FROM a LIMIT 18446744073709551615', 'mass-delete shop.a ?'],
  ['DELETE FROM a SOMEHOW ELSE', 'mass-delete shop.a ?'],
  ['DELETE FROM a, b', 'mass-delete shop.a shop.b ?'],
  ['DELETE HISTORY FROM a BEFORE SYSTEM_TIME NOW()', 'mass-delete shop.a ?'],
  ['DELETE a, b FROM a JOIN b ON a.id = b.id', 'mass-delete shop.a shop.b ?'],
  ['DELETE a.*, x.b.* FROM a, x.b', 'mass-delete shop.a x.b ?'],
  ['DELETE o FROM orders AS o LEFT JOIN x.lines l ON (o.id = l.id AND l.n > 1)', 'mass-delete shop.orders ?'],
  ['DELETE L FROM orders o JOIN (x.lines l, c) ON o.id = l.id', 'mass-delete x.lines ?'],
  ['DELETE FROM o, l USING orders o INNER JOIN x.lines l USING (id)', 'mass-delete shop.orders x.lines ?'],
  ['DELETE a FROM a JOIN (SELECT id FROM b WHERE c = 1) d ON a.id = d.id', 'mass-delete shop.a ?'],
  ['DELETE x.a FROM A, X.A b JOIN x.a', 'mass-delete x.a ?'],
  ['UPDATE a JOIN x.b c ON a.id = c.id SET a.d = c.d', 'mass-update shop.a x.b ?'],
  ['UPDATE a JOIN (SELECT 1 AS id) d USING (id) SET a.d = 1', 'mass-update shop.a ?'],
  ['UPDATE a SET b = 1 LIMIT 1000', 'mass-update shop.a ?'],
];

const NO_CONDITION: readonly string[] = [
  ...['1', 'TRUE', '-1', '1.0', '0.5', '(1 = 1)', "'x' = 'x'", 'NOT 0', '!0', 'NOT FALSE', 'NOT (1 = 2)', '1 <=> 1'],
  ...['1 <> 2', '1 != 2', '5 > 3', '3<5', '5 >= 5', '-1 <= 1', '1 = 1 AND 2 > 1', '(1) AND (TRUE)', '((1))'],
  ...['1 OR 0', '0 OR 1', 'FALSE OR NOT 0 AND 1', 'TRUE OR id = 5', '(1 OR id = 5)', '1=1 OR id BETWEEN 1 AND 2'],
];

const CONDITIONS: readonly string[] = [
  ...['0', '-0', '0.0', '1 = 2', 'FALSE', 'NOT 1', '!1', '5 < 3', '1 <> 1', '0 OR 0', '1 AND 0', "'a'", "'a' = 'b'"],
  ...['id', '-id', 'NOT id', '1 = id', '1=1 AND id = 5', 'id = 5 OR 1', '1 XOR id', '(1 OR id) AND id', '1 + id'],
  ...['NOT 1 = 2', 'NOT (id)', '1 IN (id)', '1 = 1 = id', '1 <! 2', 'trueish', 'notable = 1', '(1', "'a' = 'a' 'b'"],
];

const NEW_FOR_OLD: readonly Row[] = [
  ['REPLACE INTO a SELECT * FROM b', 'mass-update shop.a ?'],
  ['REPLACE LOW_PRIORITY x.a (id, b) SELECT 1, 2 FROM c WHERE d = 1', 'mass-update x.a ?'],
  ['REPLACE a (SELECT 1)', 'mass-update shop.a ?'],
  ['REPLACE INTO a TABLE b', 'mass-update shop.a ?'],
  ['INSERT INTO a (id, b) SELECT 1, 2 FROM c ON DUPLICATE KEY UPDATE b = 3', 'mass-update shop.a ?'],
  ['INSERT INTO a SELECT * FROM b ON DUPLICATE KEY UPDATE c = VALUES(c)', 'mass-update shop.a ?'],
  ['INSERT INTO a (id, c) (SELECT 1, 2) ON DUPLICATE KEY UPDATE c = values(c) + c', 'mass-update shop.a ?'],
  ['REPLACE INTO a SELECT * FROM b UNION VALUES (1, 2)', 'mass-update shop.a ?'],
  ["LOAD DATA INFILE 'REPLACE INTO' REPLACE INTO TABLE `x`.`a` FIELDS TERMINATED BY ','", 'mass-update x.a ?'],
  ["LOAD XML LOCAL INFILE 'f' REPLACE INTO TABLE a", 'mass-update shop.a ?'],
];

const HARMLESS: readonly string[] = [
  'DELETE FROM a WHERE id = 1',
  'DELETE FROM queue ORDER BY id LIMIT 1',
  'DELETE FROM a WHERE 1 LIMIT 24 RETURNING id',
  'UPDATE a SET b = 1 LIMIT 999',
  'delete from a where(id=1)',
  'DELETE FROM a WHERE 1 = 2',
  'DELETE FROM a WHERE 0',
  'DELETE FROM a WHERE 1=1 AND id = 5',
  "DELETE FROM a WHERE '1' = b",
  'DELETE FROM a FOR PORTION OF p FROM 1 TO 2',
  'DELETE a FROM a JOIN b ON a.id = b.id WHERE b.c = 1',
  'DELETE FROM a USING a JOIN b WHERE a.id = b.id',
  "UPDATE a SET b = 'it''s' WHERE id = 1",
  "UPDATE a SET b = 'x\\' y' WHERE id = 1",
  'UPDATE a FOR PORTION OF p FROM 1 TO 2 SET b = 1',
  'UPDATE sequence SET id=LAST_INSERT_ID(id+1)',
  'UPDATE s SET changed = NOW(), `n` = last_insert_id(`n`) + 1 LIMIT 1000',
  'UPDATE a SET b = 1 /*!50001 WHERE id = 1 */',
  'UPDATE a SET b = (1 + (2)) WHERE truest = 1',
  'UPDATE a SET été=1 WHERE `id` = 1',
  "INSERT INTO a VALUES (1, 'SELECT')",
  'INSERT INTO a (b) VALUES (1) ON DUPLICATE KEY UPDATE b = 2',
  'INSERT INTO a (b) VALUES (1) ON DUPLICATE KEY UPDATE b = VALUES(b)',
  'INSERT INTO a SET b = 1 ON DUPLICATE KEY UPDATE b = VALUES(b)',
  'INSERT INTO a SELECT * FROM b',
  'INSERT INTO a SET b = 1',
  'REPLACE INTO a VALUES (1), (2)',
  'REPLACE INTO a SET b = 1',
  "LOAD DATA INFILE 'x' INTO TABLE a",
  "LOAD DATA INFILE 'x' IGNORE INTO TABLE a",
];

describe('statements about rows', () => {
  it.each(EVERY_ROW)('is sure of %j', (statement, destroys) => {
    expect(summaryOf(statement)).toBe(destroys);
  });

  it.each([...MAYBE_EVERY_ROW, ...NEW_FOR_OLD])('suspects %j', (statement, destroys) => {
    expect(summaryOf(statement)).toBe(destroys);
  });

  it.each(NO_CONDITION)('knows that WHERE %s holds for every row', (condition) => {
    expect(summaryOf(`DELETE FROM a WHERE ${condition}`)).toBe('mass-delete shop.a');
    expect(summaryOf(`UPDATE a SET b = 1 WHERE ${condition} ORDER BY id LIMIT 1000`)).toBe('mass-update shop.a ?');
    expect(summaryOf(`DELETE FROM a WHERE ${condition} LIMIT 1`)).toBe('harmless');
  });

  it.each(CONDITIONS)('takes WHERE %s for a condition', (condition) => {
    expect(summaryOf(`DELETE FROM a WHERE ${condition}`)).toBe('harmless');
  });

  it('reads a statement of 20,000 tables', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `t${index}`);
    const objects = names.toReversed().map((name) => `shop.${name}`);
    const statement = `DELETE ${names.toReversed().join()} FROM ${names.join()}`;
    expect(summaryOf(statement)).toBe(`mass-delete ${objects.join(' ')} ?`);
  });

  it.each(HARMLESS)('lets %j pass', (statement) => {
    expect(summaryOf(statement)).toBe('harmless');
  });

  it('reads those of MySQL with common table expressions', () => {
    const cte = 'WITH x AS (SELECT id FROM b WHERE c = 1), y AS (SELECT 1)';
    expect(summaryOf(`${cte} DELETE FROM a`, MYSQL_84)).toBe('mass-delete shop.a');
    expect(summaryOf(`${cte} DELETE a FROM a JOIN x ON a.id = x.id`, MYSQL_84)).toBe('mass-delete shop.a ?');
    expect(summaryOf(`${cte} UPDATE a SET d = 1 WHERE id IN (SELECT id FROM x)`, MYSQL_84)).toBe('harmless');
    expect(summaryOf(`${cte} SELECT 1`, MYSQL_84)).toBe('harmless');
  });

  it('lets temporary tables pass, but not what only reads one', () => {
    const temporary = { threadSpecific: true };
    for (const own of ['DELETE FROM t', 'UPDATE t SET a = 1', 'TRUNCATE t']) {
      expect(summaryOf(own, MARIADB, temporary)).toBe('harmless');
    }
    expect(summaryOf('UPDATE t SET a = (1 + (2))', MARIADB, temporary)).toBe('harmless');
    expect(summaryOf('UPDATE a SET b = (SELECT MAX(x) FROM t)', MARIADB, temporary)).toBe('mass-update shop.a ?');
    expect(summaryOf('UPDATE a SET b = 1 + (TABLE t)', MYSQL_84, temporary)).toBe('mass-update shop.a ?');
    expect(summaryOf('UPDATE a JOIN (SELECT 1 FROM t) d SET b = 1', MARIADB, temporary)).toBe('mass-update shop.a ?');
    expect(summaryOf('DELETE a FROM a', MARIADB, temporary)).toBe('mass-delete shop.a ?');
    expect(summaryOf('DELETE a FROM a JOIN t', MARIADB, temporary)).toBe('mass-delete shop.a ?');
    expect(summaryOf('REPLACE INTO a SELECT * FROM t', MARIADB, temporary)).toBe('mass-update shop.a ?');
  });
});

describe('mayDestroy', () => {
  const sure: readonly (readonly [title: string, statement: string | Buffer, event: Partial<QueryEvent>])[] = [
    ['a condition', 'UPDATE sbtest1 SET k=k+1 WHERE id=5023', {}],
    ['values', "INSERT INTO sbtest1 (id, c) VALUES (5, '68487932199')", {}],
    ['values for old ones', 'INSERT INTO a (id, b) VALUES (5, 6) ON DUPLICATE KEY UPDATE b = VALUES(b)', {}],
    ['a comment before', '/* app:web */ DELETE FROM a WHERE id=1', {}],
    ['a quoted WHERE before the real one', "UPDATE a SET b=' WHERE ', c=1 WHERE id=1", {}],
    ['a backslash at the end of a name', 'UPDATE a SET "b\\"=1 WHERE id=1', { sqlMode: ANSI_QUOTES }],
    ['a backslash at the end of a string', "UPDATE a SET b='c\\' WHERE id=1", { sqlMode: NO_BACKSLASH_ESCAPES }],
  ];

  it.each(sure)('passes over %s without reading the statement', (_title, text, event) => {
    expect(mayDestroy(aQuery(text, event))).toBe(false);
  });

  const unsure: readonly (readonly [title: string, statement: string | Buffer, event: Partial<QueryEvent>])[] = [
    ['WHERE in a string', "UPDATE a SET b='\\' WHERE id=1'", {}],
    ['WHERE in a comment of two dashes', 'UPDATE a SET b=1 --\tWHERE id=1', {}],
    ['values of a query', 'INSERT INTO a SELECT 1, 2 ON DUPLICATE KEY UPDATE b = VALUES(b)', {}],
    ['WHERE in parentheses', 'UPDATE a SET b=(SELECT 1 FROM c WHERE d=1)', {}],
    ['WHERE in a name', 'UPDATE a SET nowhere=1, where_=2, éwhere=3', {}],
    ['a comment that may be executed', 'UPDATE a SET b=1 /*!99999 WHERE id=1 */', {}],
    [
      'a letter that ends with a backslash',
      Buffer.concat([Buffer.from("UPDATE a SET b='"), Buffer.from([0x83, 0x5c]), Buffer.from("', c=' WHERE id=1'")]),
      { clientCharset: 13 },
    ],
  ];

  it.each(unsure)('has a statement read because of %s', (_title, text, event) => {
    expect(mayDestroy(aQuery(text, event))).toBe(true);
  });
});
