import { describe, expect, it } from 'vitest';
import { ANSI_QUOTES, dialectOf } from '../../../../src/incident/dialect.ts';
import { renameSchema } from '../../../../src/operations/salvage/rename-schema.ts';

const dialect = dialectOf({ flavor: 'mariadb', version: 101_119 }, 0, false);
const ansi = dialectOf({ flavor: 'mariadb', version: 101_119 }, ANSI_QUOTES, false);
const options = { from: 'shop', to: 'shop_2', dialect, caseSensitive: true };
const renamed = (sql: string, more: Partial<typeof options> = {}): string | null =>
  renameSchema(sql, { ...options, ...more }).sql;

describe('renameSchema', () => {
  it.each([
    ['SELECT 1 FROM t', 'SELECT 1 FROM t'],
    ['select `shop`.`t`.`id` from `shop`.`t`', 'select `shop_2`.`t`.`id` from `shop_2`.`t`'],
    ['INSERT INTO shop . t SELECT 1 FROM crm.t', 'INSERT INTO `shop_2` . t SELECT 1 FROM crm.t'],
    ['CREATE TRIGGER shop.a BEFORE INSERT ON shop.t', 'CREATE TRIGGER `shop_2`.a BEFORE INSERT ON `shop_2`.t'],
    ['SELECT nextval(`shop`.`s`) -- shop\n', 'SELECT nextval(`shop_2`.`s`) -- shop\n'],
    ['SELECT shopping.x, workshop.y FROM shop.t', 'SELECT shopping.x, workshop.y FROM `shop_2`.t'],
    ['CREATE DEFINER=`shop`@`%` VIEW `v` AS select 1', 'CREATE DEFINER=`shop`@`%` VIEW `v` AS select 1'],
    [
      'CREATE DEFINER=shop@localhost VIEW shop.v AS select 1',
      'CREATE DEFINER=shop@localhost VIEW `shop_2`.v AS select 1',
    ],
    ['SELECT Shop.x FROM t AS Shop', 'SELECT Shop.x FROM t AS Shop'], // another name where case counts
  ])('%s', (sql, expected) => {
    expect(renamed(sql)).toBe(expected);
  });

  it.each([
    ['SELECT shop.id FROM orders AS shop', 'may not be the schema'],
    ['SELECT shop.id FROM shop', 'may not be the schema'],
    ['SELECT t.shop FROM t', 'may not be the schema'],
    ['SELECT @shop.x', 'may not be the schema'],
    ['SELECT 1 FROM `crm`.`shop`.`id`', 'may not be the schema'],
    ["INSERT INTO log VALUES ('delete from shop.t')", 'in a string'],
    ["SET @s = CONCAT('SHOP', '.t')", 'in a string'],
    ['PREPARE s FROM @text', 'builds statements'],
    ['EXECUTE IMMEDIATE @text', 'builds statements'],
    ['/*!50001 SELECT 1 FROM shop */', 'may not be the schema'],
  ])('has doubts about %s', (sql, why) => {
    const result = renameSchema(sql, options);
    expect(result.sql).toBeNull();
    expect(result.why).toContain(why);
  });

  it('reads names as the statement was written', () => {
    expect(renamed('SELECT 1 FROM "shop".t', { dialect: ansi })).toBe('SELECT 1 FROM `shop_2`.t');
    expect(renamed('SELECT "shop"', { dialect: ansi })).toBeNull();
    expect(renamed('SELECT 1 FROM SHOP.t', { caseSensitive: false })).toBe('SELECT 1 FROM `shop_2`.t');
    expect(renamed('SELECT 1 FROM `a``b`.t', { from: 'a`b', to: 'c`d' })).toBe('SELECT 1 FROM `c``d`.t');
  });
});
