import { describe, expect, it } from 'vitest';
import { brokenView, ownForm, unusedSchema, type BrokenView } from '../../../../src/backup/views/broken-views.ts';
import { accountName, standInAccounts } from '../../../../src/backup/views/definers.ts';
import { needsOf } from '../../../../src/backup/views/definition-names.ts';
import { viewKey } from '../../../../src/backup/views/view-order.ts';

const VIEW: BrokenView = {
  ...{ schema: 's', table: 'v`', key: viewKey({ schema: 's', table: 'v`' }) },
  by: { definer: 'a@b@%', security: 'INVOKER' },
  definition: 'select 1 AS `x\ny`; DROP',
};
/** Some servers take no table without a key. */
const KEYED = ', lastgood_key INT PRIMARY KEY) ENGINE=InnoDB';
const STAND_IN = [
  `CREATE TABLE \`scratch\`.\`definition_in_backup\` (missing INT${KEYED};`,
  'CREATE DEFINER=`a@b`@`%` SQL SECURITY INVOKER VIEW `s`.`v``` AS SELECT missing FROM `scratch`.`definition_in_backup`;',
];

/** The lines for a view with this definition, which the server shows as `CREATE VIEW x`. */
function withText(definition: string): string[] {
  const shown = { creation: Buffer.from('CREATE VIEW x'), charset: 'latin1', collation: 'latin1_bin' };
  const own = { schema: 's', table: 'v`', needs: needsOf(definition), digest: '0f', shown };
  const view = { ...VIEW, definition };
  return Buffer.concat(brokenView(view, ownForm(view, own, 'scratch'), 'scratch').map((sql) => Buffer.from(sql)))
    .toString('utf8')
    .split('\n');
}

describe('a broken view whose text cannot be tried', () => {
  it('has its name and its definer, its text on one line, and reads what is dropped again', () => {
    expect(brokenView(VIEW, null, 'scratch').join('').split('\n')).toEqual([
      '-- VIEW `s`.`v``` was broken when it was backed up: select 1 AS `x y`; DROP',
      'CREATE DATABASE `scratch`;',
      ...STAND_IN,
      'DROP DATABASE `scratch`;',
      '',
    ]);
  });

  it('is whose it becomes where the server does not say whose it was', () => {
    const sql = brokenView({ ...VIEW, by: null }, null, 'scratch').join('');
    expect(sql).toContain('\nCREATE VIEW `s`.`v``` AS ');
  });
});

describe('a broken view with its own text', () => {
  it('is made in the session of its creator, and where that fails there is a stand-in', () => {
    const lines = withText('select 1');
    expect(lines.slice(2, 7)).toEqual([
      'SET SESSION character_set_client = latin1, collation_connection = latin1_bin;',
      'DELIMITER ;;',
      'CREATE PROCEDURE `scratch`.`text`() CREATE OR REPLACE VIEW x',
      ';;',
      'DELIMITER ;',
    ]);
    expect(lines.filter((line) => line === 'CALL `scratch`.`text`();')).toHaveLength(4);
    const last = lines.findLastIndex((line) => line.startsWith('IF NOT EXISTS'));
    expect(lines[last]).not.toContain('MD5');
    expect(lines.slice(last + 1)).toEqual([
      ...STAND_IN,
      'END IF;',
      'END',
      ';;',
      'DELIMITER ;',
      'CALL `scratch`.`attempts`();',
      'DROP DATABASE `scratch`;',
      '',
    ]);
  });

  it('undoes each stand-in only where it made it, inside of one that made others before', () => {
    const lines = withText('select `s`.`t`.`a` AS `a` from (`s`.`t` join `mysql`.`user`)');
    const [first, last] = [
      lines.indexOf(`CREATE TABLE \`s\`.\`t\` (\`a\` INT${KEYED};`),
      lines.indexOf('DROP TABLE `s`.`t`;'),
    ];
    expect(lines.slice(first - 2, last + 2)).toEqual([
      'BEGIN',
      'DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END;',
      `CREATE TABLE \`s\`.\`t\` (\`a\` INT${KEYED};`,
      'BEGIN',
      'DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END;',
      'CALL `scratch`.`text`();',
      'END;',
      'DROP TABLE `s`.`t`;',
      'END;',
    ]);
    expect(lines.filter((line) => /`mysql`/.test(line) && !line.startsWith('--'))).toEqual([]);
  });

  it("has other schemas meanwhile where they are not there, and columns of its text's collations at last", () => {
    const lines = withText("select `o'`.`t`.`c` collate utf8mb4_bin AS `x` from (`o'`.`t` join `s`.`t`)");
    expect(lines.filter((line) => line.includes('@lastgood_missing_schema_'))).toEqual([
      String.raw`SET @lastgood_missing_schema_0 = NOT EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'o\'' AND BINARY SCHEMA_NAME = 'o\'');`,
      "IF @lastgood_missing_schema_0 THEN CREATE DATABASE `o'`; END IF;",
      "IF @lastgood_missing_schema_0 THEN DROP DATABASE `o'`; END IF;",
    ]);
    const tables = lines.filter((line) => line.startsWith("CREATE TABLE `o'`"));
    expect(tables).toHaveLength(5);
    expect(tables[4]).toBe(`CREATE TABLE \`o'\`.\`t\` (\`c\` LONGTEXT COLLATE utf8mb4_bin${KEYED};`);
    expect(lines).toContain('CREATE TABLE `s`.`t` (lastgood_key INT PRIMARY KEY) ENGINE=InnoDB;');
  });

  it('reads stand-ins of the kinds that it read', () => {
    const lines = withText('select `v`.`a b` AS `a b`,nextval(`s`.`q`) AS `n` from `s`.`v`');
    const made = ['CREATE SEQUENCE `s`.`q`;', `CREATE TABLE \`scratch\`.\`t1\` (\`a b\` INT${KEYED};`];
    const view = 'CREATE SQL SECURITY INVOKER VIEW `s`.`v` AS SELECT `a b` FROM `scratch`.`t1`;';
    for (const line of [...made, view, 'DROP VIEW `s`.`v`;', 'DROP SEQUENCE `s`.`q`;']) expect(lines).toContain(line);
  });
});

describe('a broken view that calls functions', () => {
  it('has them meanwhile, as a procedure takes them, but for those of the server', () => {
    const lines = withText("select `o'`.`f`(1,(2,3)) AS `f`,`g`() AS `g`,`sys`.`h`() AS `h`,concat(1,2) AS `c`");
    const make = [
      String.raw`EXECUTE IMMEDIATE 'CREATE FUNCTION ${'`o'}\'${'`.`f`'}(a0 LONGTEXT, a1 LONGTEXT) RETURNS INT DETERMINISTIC NO SQL RETURN NULL';`,
      "EXECUTE IMMEDIATE 'CREATE FUNCTION `scratch`.`g`() RETURNS INT DETERMINISTIC NO SQL RETURN NULL';",
      "IF @lastgood_missing_schema_0 THEN CREATE DATABASE `o'`; END IF;",
      "EXECUTE IMMEDIATE 'DROP FUNCTION `scratch`.`g`';",
    ];
    for (const line of make) expect(lines).toContain(line);
    expect(lines.filter((line) => line.includes('FUNCTION') && line.includes('INT'))).toHaveLength(2);
  });
});

describe('the schema for what is there meanwhile', () => {
  it('has a name that no other one has', () => {
    expect(unusedSchema(['a', 'LASTGOOD_broken_view', 'lastgood_broken_view_'])).toBe('lastgood_broken_view__');
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
