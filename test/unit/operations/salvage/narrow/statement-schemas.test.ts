import { describe, expect, it } from 'vitest';
import type { QueryEvent } from '../../../../../src/binlog/group.ts';
import { readSchemas } from '../../../../../src/operations/salvage/narrow/statement-schemas.ts';

const SOURCE = { flavor: 'mariadb', version: 101_119 } as const;

function read(text: string, more: Partial<QueryEvent> = {}): ReturnType<typeof readSchemas> {
  const event = { offset: 4, time: 0, threadId: 1, errorCode: 0, sqlMode: 0, clientCharset: 45, threadSpecific: false };
  return readSchemas({ ...event, schema: 'shop', truncated: false, text: Buffer.from(text), ...more }, SOURCE);
}

describe('what a statement has to do with', () => {
  it.each(['INSERT INTO orders SELECT * FROM crm.customer', '/* x */ delete from `crm`.`customer`'])(
    'is its default schema and every word of %s',
    (text) => {
      expect(read(text)).toMatchObject({ schema: 'shop', isText: true, defines: false, doubt: null });
      expect(read(text).words).toContain('crm');
    },
  );

  it.each([
    'CREATE TABLE orders (id INT, FOREIGN KEY (id) REFERENCES `crm`.customer (id))',
    'ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES crm.customer (id)',
    'CREATE VIEW v AS SELECT * FROM crm.customer',
    'CREATE DEFINER=`a`@`%` TRIGGER t AFTER INSERT ON orders FOR EACH ROW INSERT INTO crm.log VALUES (1)',
    'RENAME TABLE orders TO crm.orders',
  ])('stays what it names: %s', (text) => {
    expect(read(text)).toMatchObject({ schema: 'shop', isText: false, defines: true, doubt: null });
    expect(read(text).words).toContain('crm');
  });

  it.each([
    "CREATE USER u@'%' IDENTIFIED BY 'crm'",
    'GRANT SELECT ON crm.* TO u',
    'GRANT ALL ON *.* TO u',
    'REVOKE ALL PRIVILEGES, GRANT OPTION FROM u',
    "SET PASSWORD FOR u = '*1'",
    'DROP USER u',
  ])('is nothing of a schema: %s', (text) => {
    expect(read(text)).toMatchObject({ schema: '', words: [], isText: false, doubt: null });
  });

  it.each([
    ['GRANT SELECT ON crm.customer TO u', '', ['crm']],
    ['GRANT EXECUTE ON PROCEDURE `crm`.`p` TO u', '', ['crm']],
    ['REVOKE INSERT (id) ON TABLE orders FROM u', 'shop', []],
  ])('is the schema of the one object: %s', (text, schema, words) => {
    expect(read(text)).toMatchObject({ schema, words, isText: false });
  });

  it.each([
    'INSERT INTO orders SELECT * FROM mysql.user',
    'UPDATE orders SET n = (SELECT COUNT(*) FROM `information_schema` . TABLES)',
    'INSTALL PLUGIN x SONAME "y.so"',
    'CREATE FUNCTION f RETURNS INTEGER SONAME "y.so"',
    "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h')",
    'FROBNICATE TABLE orders',
  ])('is a doubt: %s', (text) => {
    expect(read(text).doubt).not.toBe(null);
  });

  it('is a doubt when only its head is known', () => {
    expect(read('INSERT INTO orders VALUES (1', { truncated: true }).doubt).not.toBe(null);
    expect(read('CREATE VIEW v AS SELECT ', { truncated: true }).doubt).not.toBe(null);
  });
});
