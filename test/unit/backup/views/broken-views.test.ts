import { describe, expect, it } from 'vitest';
import { standInViews } from '../../../../src/backup/views/broken-views.ts';
import { accountName, standInAccounts } from '../../../../src/backup/views/definers.ts';
import { viewKey } from '../../../../src/backup/views/view-order.ts';

const BROKEN = { key: viewKey({ schema: 's', table: 'v`' }), security: 'INVOKER' as const };

describe('the stand-in of a broken view', () => {
  it('has its name, its definer and its text on one line, and reads what is dropped again', () => {
    const sql = standInViews(
      [{ ...BROKEN, definer: 'a@b@%', broken: 'select 1 AS `x\ny`; DROP' }],
      ['lastgood_broken_view'],
    );
    expect(sql.split('\n')).toEqual([
      'CREATE DATABASE `lastgood_broken_view_`;',
      'CREATE TABLE `lastgood_broken_view_`.`definition_in_backup` (missing INT);',
      '-- View `s`.`v``` was broken when it was backed up: select 1 AS `x y`; DROP',
      'CREATE DEFINER=`a@b`@`%` SQL SECURITY INVOKER VIEW `s`.`v``` AS SELECT missing FROM `lastgood_broken_view_`.`definition_in_backup`;',
      'DROP DATABASE `lastgood_broken_view_`;',
      '',
    ]);
  });
});

describe('the stand-in of a definer', () => {
  it('is a name without host for a role', () => {
    expect([accountName('reader@'), accountName('@%')]).toEqual(['`reader`', '``@`%`']);
  });

  it('lets nobody sign in, and goes again, unless the server has that account itself', () => {
    const { create, drop } = standInAccounts({ flavor: 'mariadb' }, ["`o'a`@`%`", '`r`']);
    const runs = ['PREPARE lastgood FROM @lastgood_sql', 'EXECUTE lastgood'];
    expect(create.slice(0, 7)).toEqual([
      String.raw`SET @lastgood_missing_0 = NOT EXISTS (SELECT 1 FROM mysql.user WHERE User = 'o\'a' AND Host = '%')`,
      String.raw`SET @lastgood_sql = IF(@lastgood_missing_0, 'CREATE USER ${'`o'}\'a${'`@`%`'} ACCOUNT LOCK', 'DO 0')`,
      ...runs,
      String.raw`SET @lastgood_sql = IF(@lastgood_missing_0, 'GRANT ALL PRIVILEGES ON *.* TO ${'`o'}\'a${'`@`%`'}', 'DO 0')`,
      ...runs,
    ]);
    expect(create[8]).toBe("SET @lastgood_sql = IF(@lastgood_missing_1, 'CREATE ROLE `r`', 'DO 0')");
    expect(drop[3]).toBe("SET @lastgood_sql = IF(@lastgood_missing_1, 'DROP ROLE `r`', 'DO 0')");
    expect(standInAccounts({ flavor: 'mysql' }, ['`a`@`%`']).create[1]).toContain(
      String.raw`IDENTIFIED BY PASSWORD \'*${'0'.repeat(40)}\''`,
    );
  });
});
