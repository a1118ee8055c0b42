const DIGIT = '(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4)';

/** Numbers from 0, 5 to the power of `digits` of them, in SQL that both flavors know. */
export function numbers(digits: number): string {
  const places = Array.from({ length: digits }, (_, place) => place);
  const sum = places.map((place) => `d${place}.d * ${5 ** place}`).join(' + ');
  return `SELECT ${sum} AS id FROM ${places.map((place) => `${DIGIT} d${place}`).join(', ')}`;
}

/** A table `a` of so many times 3,125 rows. They are not what is tried, and stay out of the log. */
export function manyRows(times: number, engine = 'InnoDB'): string[] {
  return [
    `CREATE TABLE a (id INT PRIMARY KEY, v INT) ENGINE=${engine}`,
    'SET sql_log_bin = 0',
    `INSERT INTO a SELECT n.id * ${times} + e.id, n.id FROM (${numbers(5)}) n, (${numbers(2)}) e WHERE e.id < ${times}`,
    'SET sql_log_bin = 1',
  ];
}

/** More than an incident needs by default. */
export const ROWS = 12_500;
export const MANY_ROWS = manyRows(ROWS / 3125);
