import { describe, expect, it } from 'vitest';
import { mayRedefine } from '../../../../src/operations/evidence/may-redefine.ts';

const TABLE = { schema: 'shop', name: 'orders' };

function may(text: string, table = TABLE, truncated = false): boolean {
  return mayRedefine({ text: Buffer.from(text), truncated }, [table]).length > 0;
}

describe('a statement', () => {
  it.each([
    'ALTER TABLE orders MODIFY b INT AFTER id',
    'alter table `Shop`.`ORDERS` add c int',
    '/* why */ RENAME TABLE old TO shop.orders',
    '/*!50001 CREATE TABLE orders (id INT) */',
    'SET STATEMENT max_statement_time = 1 FOR ALTER TABLE orders ENGINE = InnoDB',
    '-- a line\nALTER TABLE orders ADD c INT',
    'DROP DATABASE shop',
    'CREATE SCHEMA IF NOT EXISTS `shop`',
  ])('that may define the table anew is seen: %s', (text) => {
    expect(may(text)).toBe(true);
  });

  it.each([
    'ALTER TABLE customers ADD c INT',
    'DELETE FROM orders',
    '/* a job */ insert into orders values (1)',
    'TRUNCATE TABLE orders',
    'CREATE DATABASE other',
  ])('that does not is passed over: %s', (text) => {
    expect(may(text)).toBe(false);
  });

  it('counts where it cannot be read to its end, or the name in it', () => {
    expect(may('ALTER TABLE x ADD c INT', TABLE, true)).toBe(true);
    expect(may('DELETE FROM x', TABLE, true)).toBe(false);
    expect(may('ALTER TABLE x ADD c INT', { schema: 'shop', name: 'aufträge' })).toBe(true);
    expect(may('ALTER TABLE `a``b` ADD c INT', { schema: 'shop', name: 'a`b' })).toBe(true);
  });
});
