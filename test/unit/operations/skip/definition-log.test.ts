import { describe, expect, it } from 'vitest';
import { BinlogReader } from '../../../../src/binlog/binlog-reader.ts';
import { DefinitionLog } from '../../../../src/operations/skip/definition-log.ts';
import { BinlogBuilder, mariadbGtid, query } from '../../../support/binlog-builder.ts';

function logOf(...statements: readonly string[]): DefinitionLog {
  const builder = new BinlogBuilder();
  for (const sql of statements)
    builder.group([mariadbGtid('0-101-1', { standalone: true }), query(sql)], { ending: 'commit' });
  const log = new DefinitionLog();
  const reader = new BinlogReader({
    visitor: log,
    verifyChecksums: true,
    onFormat: (format) => {
      log.enterFile({ from: 4, to: Infinity }, format);
    },
  });
  reader.walk(builder.bytes, 0, builder.size);
  return log;
}

const table = (name: string) => ({ type: 'table', schema: 'shop', name }) as const;

describe('a log behind a backup', () => {
  it('tells which tables may be defined otherwise, and which have another name', () => {
    const log = logOf('RENAME TABLE orders TO old_orders', 'CREATE TABLE stock (i INT)');

    expect(['orders', 'old_orders', 'stock', 'people'].map((name) => log.defines(table(name)))).toEqual([
      ...[true, true, true],
      false,
    ]);
    expect(['orders', 'old_orders', 'stock'].map((name) => log.renames(table(name)))).toEqual([true, false, false]);
    expect(log.refers).toBe(false);
    expect(logOf('ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c (d)').refers).toBe(true);
  });

  it('knows nothing any more behind what it cannot read', () => {
    const log = logOf('FROBNICATE a');

    expect([log.defines(table('people')), log.renames(table('people')), log.refers]).toEqual([true, true, true]);
  });
});
