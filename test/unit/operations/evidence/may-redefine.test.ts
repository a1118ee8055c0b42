import { describe, expect, it } from 'vitest';
import { mayRedefine } from '../../../../src/operations/evidence/may-redefine.ts';

const TABLE = { schema: 'shop', name: 'orders' };

function may(text: string, table = TABLE, { truncated = false, current = 'shop' } = {}): boolean {
  return mayRedefine({ schema: current, text: Buffer.from(text), truncated }, [table]).length > 0;
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
    expect(may('ALTER TABLE x ADD c INT', TABLE, { truncated: true })).toBe(true);
    expect(may('DELETE FROM x', TABLE, { truncated: true })).toBe(false);
    expect(may('ALTER TABLE x ADD c INT', { schema: 'shop', name: 'aufträge' })).toBe(true);
    expect(may('ALTER TABLE `a``b` ADD c INT', { schema: 'shop', name: 'a`b' })).toBe(true);
  });

  it.each([
    ['', 'ALTER TABLE Shop.orders ADD c INT'],
    ['crm', 'RENAME TABLE orders TO shop.orders_old, shop.x TO shop.orders'],
    ['crm', 'CREATE TABLE shop . `orders` (id INT)'],
    ['crm', 'ALTER TABLE "shop"."orders" ADD c INT'],
    ['SHOP', 'ALTER TABLE orders ADD c INT'],
    ['crm', '/*!50001ALTER TABLE*/ /*!50001shop.orders*/ ADD c INT'],
    ['shop', 'ALTER TABLE /*M!100100orders*/ ADD c INT'],
    ['shop', 'ALTER TABLE\u00a0orders ADD c INT'],
    ['crm', 'DROP DATABASE shop'],
  ])('is about the table, in default schema %j: %s', (current, text) => {
    expect(may(text, TABLE, { current })).toBe(true);
  });

  it.each([
    ['shop_restored', 'CREATE TABLE `orders` (`id` INT, `shop_id` INT)'],
    ['', 'CREATE TABLE `shop_restored`.`orders` (`id` INT)'],
    ['shop', 'ALTER TABLE orders_2019 ADD c INT'],
    ['crm', 'ALTER TABLE orders MODIFY b INT AFTER id'],
    ['shop_restored', 'CREATE DATABASE shop_restored'],
    ['crm', 'ALTER TABLE shop.x ADD order_id INT'],
  ])('is about another one, in default schema %j: %s', (current, text) => {
    expect(may(text, TABLE, { current })).toBe(false);
  });
});
