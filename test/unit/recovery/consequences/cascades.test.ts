import { describe, expect, it } from 'vitest';
import { cascadedBy } from '../../../../src/recovery/consequences/cascades.ts';
import {
  NO_DEFINITIONS,
  type Definitions,
  type ForeignKey,
  type TableFacts,
} from '../../../../src/recovery/consequences/table-facts.ts';
import type { Named, Touch } from '../../../../src/recovery/consequences/touch.ts';

const named = (name: string): Named => ({ type: 'table', schema: 'shop', name });

const FACTS: TableFacts = {
  ...{ columns: ['id', 'up', 'v'], uniqueKeys: [[{ column: 'id', prefix: null, text: null }]] },
  ...{ hasPrimaryKey: true, required: [], isChecked: false },
};

/** Column `up` of one to column `id` of the other. */
function refers(child: string, parent: string, actions: Partial<ForeignKey>): ForeignKey {
  const columns = { columns: ['up'], parentColumns: ['id'] };
  return {
    child: named(child),
    parent: named(parent),
    ...columns,
    onDelete: 'restrict',
    onUpdate: 'restrict',
    ...actions,
  };
}

const knowing = (foreignKeys: readonly ForeignKey[], facts: TableFacts | null = FACTS): Definitions => {
  return { ...NO_DEFINITIONS, foreignKeysUnknown: null, table: () => facts, foreignKeys };
};

/** `name extra old absent` of each table that differs when a touch of table `p` is skipped. */
function differing(
  touch: Partial<Touch>,
  definitions: Definitions,
  changed: readonly string[] | null = null,
): string[] {
  const whole: Touch = { ...named('p'), verb: 'delete', by: 'rows', ...touch };
  return cascadedBy(whole, definitions, () => changed).map(
    ({ name, extra, old, absent }) => `${name ?? ''} ${extra} ${old} ${absent}`,
  );
}

describe('what foreign keys go on with', () => {
  it('is told by what they do on DELETE', () => {
    expect(differing({}, knowing([refers('c', 'p', {})]))).toEqual([]);
    expect(differing({}, knowing([refers('c', 'p', { onDelete: 'cascade' })]))).toEqual(['c unknown no no']);
    expect(differing({}, knowing([refers('c', 'p', { onDelete: 'set-null' })]))).toEqual(['c no values no']);
    expect(differing({}, knowing([refers('c', 'p', { onUpdate: 'cascade' })]))).toEqual([]);
    expect(differing({}, knowing([refers('p', 'p', { onDelete: 'cascade' })]))).toEqual(['p unknown no no']);
  });

  it('is told by which columns an UPDATE of rows changed, where it is known', () => {
    const keys = knowing([refers('c', 'p', { onUpdate: 'cascade' })]);

    expect(differing({ verb: 'update' }, keys, ['note'])).toEqual([]);
    expect(differing({ verb: 'update' }, keys, ['ID'])).toEqual(['c no values no']);
    expect(differing({ verb: 'update' }, keys, null)).toEqual(['c no values no']);
    expect(differing({ verb: 'update', by: 'text' }, keys, ['note'])).toEqual(['c no values no']);
  });

  it('is feared of what replaces rows, and of nothing else that is inserted, emptied or named', () => {
    const keys = knowing([refers('c', 'p', { onDelete: 'cascade', onUpdate: 'set-null' })]);

    expect(differing({ verb: 'insert', by: 'text', replaces: true }, keys)).toEqual(['c unknown values no']);
    for (const verb of ['insert', 'drop', 'truncate', 'read', 'alter'] as const)
      expect(differing({ verb, by: 'text' }, keys)).toEqual([]);
    expect(differing({ by: 'cascade' }, keys)).toEqual([]);
  });

  it('goes on over other tables, also in circles', () => {
    const all = { onDelete: 'cascade', onUpdate: 'cascade' } as const;
    const keys = [refers('c', 'p', all), { ...refers('d', 'c', all), parentColumns: ['up'] }, refers('c', 'd', all)];

    expect(differing({}, knowing(keys))).toEqual(['c unknown no no', 'd unknown no no']);
    expect(differing({ verb: 'update' }, knowing(keys), ['id'])).toEqual([
      'c unknown unknown unknown',
      'd no values no',
    ]);
    expect(differing({ verb: 'update' }, knowing([refers('c', 'p', all), refers('d', 'c', all)]), ['id'])).toEqual([
      'c no values no',
    ]);
  });

  it('leaves no key alone that rows are sought by, or that another row may get', () => {
    const keys = [refers('c', 'p', { onUpdate: 'cascade' })];
    const unknown = ['c unknown unknown unknown'];
    const keyed = (...columns: string[]): TableFacts => {
      return { ...FACTS, uniqueKeys: columns.map((column) => [{ column, prefix: null, text: null }]) };
    };

    expect(differing({ verb: 'update' }, knowing(keys, null))).toEqual(unknown);
    expect(differing({ verb: 'update' }, knowing(keys, { ...FACTS, hasPrimaryKey: false }))).toEqual(unknown);
    expect(differing({ verb: 'update' }, knowing(keys, keyed('up')))).toEqual(unknown);
    expect(differing({ verb: 'update' }, knowing(keys, keyed('id', 'Up')))).toEqual(unknown);
    const generated = { ...keyed('id', 'g'), generated: ['g'] };
    expect(differing({ verb: 'update' }, knowing(keys, generated))).toEqual(unknown);
    expect(differing({ verb: 'update' }, knowing(keys, { ...generated, uniqueKeys: [] }))).toEqual(['c no values no']);
  });
});
