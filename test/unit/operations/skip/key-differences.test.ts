import { describe, expect, it } from 'vitest';
import { KeyDifferences, type KeyedRow } from '../../../../src/operations/skip/key-differences.ts';
import type { KeyValue } from '../../../../src/operations/skip/row-keys.ts';

type Text = string | null | undefined;

/** A collation without case. */
const key = (text: Text): KeyValue => (typeof text === 'string' ? { exact: text, folded: text.toUpperCase() } : text);
const inserted = (text: Text): KeyedRow => ({ kind: 'insert', before: key(text), after: undefined });
const deleted = (text: Text): KeyedRow => ({ kind: 'delete', before: key(text), after: undefined });
const updated = (before: Text, after: Text): KeyedRow => ({ kind: 'update', before: key(before), after: key(after) });

/** What is left of skipped rows. */
function without(...rows: readonly KeyedRow[]): KeyDifferences {
  const keys = new KeyDifferences(true);
  for (const row of rows) keys.skip(row);
  return keys;
}

describe('keys of skipped rows', () => {
  it('are told to have moved once an update gave a row another one', () => {
    expect(without(updated('1', '1')).isMoved).toBe(false);
    expect(without(updated('1', '2')).isMoved).toBe(true);
  });

  it('collide with a row that comes with the key of a deleted one', () => {
    const skipped = without(deleted('1'), deleted('2'));

    expect([inserted('3'), updated('9', '9')].map((row) => skipped.meet(row))).toEqual([null, null]);
    expect([inserted('2'), updated('9', '1')].map((row) => skipped.meet(row))).toEqual([1062, 1062]);
  });

  it('are missed by what changes an inserted one', () => {
    const skipped = without(inserted('1'));

    expect(skipped.meet(inserted('1'))).toBeNull();
    expect([deleted('1'), updated('1', '1')].map((row) => skipped.meet(row))).toEqual([1032, 1032]);
  });

  it('are the old one and the new one of an update that changed it, and nothing of another', () => {
    const skipped = without(updated('1', '1'), updated('2', '5'));

    expect(skipped.meet(updated('1', '1'))).toBeNull();
    expect(skipped.meet(inserted('2'))).toBe(1062);
    expect(skipped.meet(deleted('5'))).toBe(1032);
  });

  it('are nothing where one group takes back what it did', () => {
    const skipped = without(deleted('1'), inserted('1'));

    expect([inserted('1'), deleted('1')].map((row) => skipped.meet(row))).toEqual([null, null]);
  });

  it('are found by what a collation may take for one, but taken back only by the same bytes', () => {
    const skipped = without(inserted('a'), deleted('A'), updated('b', 'B'));

    expect([inserted('A'), inserted('b')].map((row) => skipped.meet(row))).toEqual([1062, 1062]);
    expect([deleted('a'), updated('B', 'c')].map((row) => skipped.meet(row))).toEqual([1032, 1032]);
    expect(without(inserted('a'), updated('a', 'A'), deleted('A')).meet(deleted('a'))).toBeNull();
  });

  it('of another skip are only what takes back keys of this one', () => {
    const skipped = without(inserted('1'), deleted('2'));
    for (const row of [deleted('1'), inserted('2'), deleted('3')]) skipped.skip(row, false);

    expect([deleted('1'), inserted('2'), inserted('3')].map((row) => skipped.meet(row))).toEqual([null, null, null]);
    expect([skipped.isReplaced, without(deleted('2')).isReplaced]).toEqual([true, false]);
  });

  it('that are NULL collide with none, and those that the log has not are in doubt', () => {
    const skipped = without(deleted(null));

    expect([skipped.meet(inserted(null)), skipped.doubt]).toEqual([null, null]);
    expect(without(deleted(undefined)).doubt).toMatch(/not all columns of the skipped rows/);
  });

  it('by which rows are not found miss none', () => {
    const other = new KeyDifferences(false);
    other.skip(inserted('1'));

    expect(other.meet(deleted('1'))).toBeNull();
  });
});
