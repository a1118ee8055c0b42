import { describe, expect, it } from 'vitest';
import { GroupParts } from '../../../src/incident/group-parts.ts';
import { UNREAD, type Part } from '../../../src/incident/part.ts';

const part = (table: string, more: Partial<Part> = {}): Part => ({
  ...UNREAD,
  kind: 'mass-delete',
  done: 'effective',
  suspicious: true,
  statement: `DELETE FROM ${table}`,
  objects: [{ schema: 's', name: table, type: 'table' }],
  ...more,
});

const seen = (parts: readonly Part[]): [string, string[], boolean][] =>
  parts.map(({ statement, objects, undone }) => [statement, objects.map(({ name }) => name ?? ''), undone]);

describe('the parts of a group', () => {
  it('stay few, however many statements about rows there are, and lose no object', () => {
    const parts = new GroupParts();
    for (let at = 0; at < 100_000; at += 1) parts.add(part(`t${at % 7}`));
    expect(parts.count).toBe(1);
    expect(seen(parts.take())).toEqual([['DELETE FROM t0', ['t0', 't1', 't2', 't3', 't4', 't5', 't6'], false]]);
    expect(parts.take()).toEqual([]);
  });

  it('are kept apart where they differ in more than their objects', () => {
    const parts = new GroupParts();
    for (const table of ['a', 'b']) for (const suspicious of [true, false]) parts.add(part(table, { suspicious }));
    parts.add(part('c', { kind: 'drop-table' }));
    parts.add(part('d', { kind: 'drop-table' }));
    expect(parts.take().map(({ objects }) => objects.map(({ name }) => name))).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['c'],
      ['d'],
    ]);
  });

  it('are taken back from a savepoint on, and only those', () => {
    const parts = new GroupParts();
    parts.add(part('a'));
    const mark = parts.mark();
    parts.add(part('b'));
    parts.undoFrom(mark);
    parts.add(part('c'));
    expect(seen(parts.take())).toEqual([
      ['DELETE FROM a', ['a'], false],
      ['DELETE FROM b', ['b'], true],
      ['DELETE FROM c', ['c'], false],
    ]);
  });

  it('stay bounded with as many savepoints, whose statements then count as not taken back', () => {
    const parts = new GroupParts();
    for (let at = 0; at < 30_000; at += 1) {
      parts.mark();
      parts.add(part('a'));
    }
    expect(parts.count).toBeLessThanOrEqual(10_001);
  });
});
