import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../../src/incident/incident.ts';
import { SkipTrace } from '../../../../src/recovery/consequences/skip-trace.ts';
import {
  NO_DEFINITIONS,
  type Definitions,
  type ForeignKey,
  type TableFacts,
} from '../../../../src/recovery/consequences/table-facts.ts';
import { keyOf, type Named, type Touch } from '../../../../src/recovery/consequences/touch.ts';
import { verdictOf } from '../../../../src/recovery/consequences/verdict.ts';

const TABLE: Named = { type: 'table', schema: 'shop', name: 'orders' };
const PARENT: Named = { type: 'table', schema: 'shop', name: 'customers' };
const SCHEMA: Named = { type: 'database', schema: 'shop', name: null };
const VIEW: Named = { type: 'view', schema: 'shop', name: 'v' };
const OTHER: Named = { type: 'table', schema: 'shop', name: 'others' };
const BOB: Named = { type: 'user', schema: '', name: 'bob@%' };
const USER: Named = { type: 'user', schema: '', name: 'ann@localhost' };

const FACTS: TableFacts = {
  columns: ['a', 'b', 'c'],
  uniqueKeys: [[{ column: 'a', prefix: null, text: null }]],
  hasPrimaryKey: true,
  required: [],
  isChecked: false,
};

/** Columns a, b, c; a is the primary key. */
const KNOWN: Definitions = {
  table: () => FACTS,
  foreignKeys: [],
  foreignKeysUnknown: null,
  held: (table) => keyOf(table) === keyOf(TABLE),
  isUsedIndirectly: () => false,
};

const does = (verb: Touch['verb'], named: Named = TABLE, more: Partial<Touch> = {}): Touch => {
  return { ...named, verb, by: 'text', ...more };
};
const rows = (verb: 'insert' | 'update' | 'delete', named: Named = TABLE): Touch => ({ ...named, verb, by: 'rows' });
const drops = (column: string): Partial<Touch> => ({ changes: [{ kind: 'drop-column', column, lenient: false }] });
const adds = (column: string): Partial<Touch> => ({ changes: [{ kind: 'add-column', column, lenient: false }] });

/** Column b of one to column a of the other. */
function refers(child: Named, parent: Named, actions: Partial<ForeignKey> = {}): ForeignKey {
  const columns = { columns: ['b'], parentColumns: ['a'] };
  return { child, parent, ...columns, onDelete: 'restrict', onUpdate: 'restrict', ...actions };
}

function traced(skipped: Touch, behind: readonly Touch[], definitions: Definitions): SkipTrace {
  const { type, schema, name } = skipped;
  const trace = new SkipTrace({ id: 'inc-1', objects: [{ type, schema, name }] } as unknown as Incident, {
    definitions,
  });
  const place = { lineage: 'l', file: 'binlog.000001' };
  trace.skip(skipped, { ...place, start: 100, gtid: '0-1-1' });
  behind.forEach((touch, index) => {
    trace.touch(touch, { ...place, start: 200 + index, gtid: `0-1-${index + 2}` });
  });
  return trace;
}

/** The verdict on skipping one thing with others behind it, and what each of these meets. */
function judge(skipped: Touch, behind: readonly Touch[], definitions = KNOWN): { verdict: string; kinds: string[] } {
  const trace = traced(skipped, behind, definitions);
  return { verdict: verdictOf(trace).verdict, kinds: trace.conflicts.conflicts.map(({ kind }) => kind) };
}

describe('what is skipped, and what follows', () => {
  it.each<[string, Touch, Touch[], string, string[]]>([
    ['DROP DATABASE, CREATE DATABASE', does('drop', SCHEMA), [does('create', SCHEMA)], 'impossible', ['fails']],
    ['DROP DATABASE, CREATE OR REPLACE', does('drop', SCHEMA), [does('replace', SCHEMA)], 'risky', ['undone']],
    [
      'DROP DATABASE, CREATE IF NOT EXISTS, CREATE TABLE that it held',
      does('drop', SCHEMA),
      [does('ensure', SCHEMA), does('create')],
      'impossible',
      ['fails'],
    ],
    [
      'DROP DATABASE, CREATE IF NOT EXISTS, CREATE TABLE of another name',
      does('drop', SCHEMA),
      [does('ensure', SCHEMA), does('create', PARENT), rows('insert', PARENT)],
      'risky',
      ['differs'],
    ],
    ['DROP TABLE, nothing', does('drop'), [rows('insert', PARENT)], 'safe', []],
    ['DROP TABLE, CREATE TABLE', does('drop'), [does('create')], 'impossible', ['fails']],
    ['DROP TABLE, RENAME to it', does('drop'), [does('rename', PARENT, { to: TABLE })], 'impossible', ['fails']],
    ['DROP TABLE, DROP TABLE IF EXISTS', does('drop'), [does('drop', TABLE, { lenient: true })], 'risky', ['undone']],
    ['DROP TABLE, DROP DATABASE', does('drop'), [does('drop', SCHEMA)], 'risky', ['undone']],
    ['TRUNCATE, inserts', does('truncate'), [rows('insert'), rows('insert')], 'risky', ['may-fail']],
    ['TRUNCATE, TRUNCATE, inserts', does('truncate'), [does('truncate'), rows('insert')], 'risky', ['undone']],
    ['DROP COLUMN, the last, rows', does('alter', TABLE, drops('c')), [rows('insert')], 'safe', []],
    ['DROP COLUMN, another one, rows', does('alter', TABLE, drops('b')), [rows('insert')], 'impossible', ['fails']],
    [
      'DROP COLUMN, ADD it again',
      does('alter', TABLE, drops('c')),
      [does('alter', TABLE, adds('C'))],
      'impossible',
      ['fails'],
    ],
    [
      'DROP COLUMN, ADD another, rows',
      does('alter', TABLE, drops('c')),
      [does('alter', TABLE, adds('d')), rows('insert')],
      'risky',
      ['may-fail'],
    ],
    [
      'DROP COLUMN, INSERT without columns',
      does('alter', TABLE, drops('c')),
      [does('insert', TABLE, { namesColumns: false })],
      'impossible',
      ['fails'],
    ],
    ['UPDATE, rows', rows('update'), [rows('update'), rows('delete')], 'safe', []],
    ['UPDATE, UPDATE in text', rows('update'), [does('update')], 'risky', ['differs']],
    ['UPDATE, INSERT ... SELECT from it in text', rows('update'), [does('read')], 'risky', ['differs']],
    [
      'DELETE, ADD UNIQUE',
      rows('delete'),
      [does('alter', TABLE, { changes: [{ kind: 'key', column: null, lenient: false }] })],
      'risky',
      ['may-fail'],
    ],
    [
      'RENAME, rows of the new name',
      does('rename', TABLE, { to: PARENT }),
      [rows('insert', PARENT)],
      'impossible',
      ['fails'],
    ],
    ['DROP VIEW, CREATE VIEW', does('drop', VIEW), [does('create', VIEW)], 'impossible', ['fails']],
    ['DROP VIEW, CREATE OR REPLACE VIEW', does('drop', VIEW), [does('replace', VIEW)], 'risky', ['undone']],
    ['DROP USER, CREATE USER', does('drop', USER), [does('create', USER)], 'impossible', ['fails']],
    [
      'DROP USER of any host, CREATE USER',
      does('drop', { ...USER, name: 'bob' }),
      [does('create', BOB)],
      'impossible',
      ['fails'],
    ],
    ['DROP COLUMN, SELECT of all in text', does('alter', TABLE, drops('c')), [does('read')], 'risky', ['differs']],
    [
      'DROP COLUMN, CREATE VIEW of all',
      does('alter', TABLE, drops('c')),
      [does('read', TABLE, { lenient: true, isStored: true })],
      'risky',
      ['differs'],
    ],
    [
      'DROP COLUMN, CREATE INDEX, maybe with the name of one that went with it',
      does('alter', TABLE, drops('c')),
      [does('alter', TABLE, { changes: [{ kind: 'index', column: null, lenient: false }] })],
      'risky',
      ['may-fail'],
    ],
    ['DROP COLUMN, LOAD DATA', does('alter', TABLE, drops('c')), [does('insert')], 'risky', ['may-fail']],
    [
      'DELETE, RENAME, rows of the new name',
      rows('delete'),
      [does('rename', TABLE, { to: OTHER }), rows('insert', OTHER)],
      'risky',
      ['may-fail'],
    ],
    [
      'DELETE, DROP and ADD columns, rows whose keys are elsewhere',
      rows('delete'),
      [
        does('alter', TABLE, { changes: [...(drops('b').changes ?? []), ...(adds('d').changes ?? [])] }),
        rows('insert'),
      ],
      'risky',
      ['may-fail'],
    ],
    [
      'DELETE, CREATE INDEX',
      rows('delete'),
      [does('alter', TABLE, { changes: [{ kind: 'index', column: null, lenient: false }] })],
      'safe',
      [],
    ],
    ['DROP USER, GRANT', does('drop', USER), [does('rights', USER)], 'safe', []],
  ])('%s', (_, skipped, behind, verdict, kinds) => {
    expect(judge(skipped, behind)).toEqual({ verdict, kinds });
  });

  it('lists what else was in the skipped transaction, and what needs it later', () => {
    const trace = new SkipTrace({ id: 'inc-1', objects: [TABLE] } as unknown as Incident, {
      definitions: NO_DEFINITIONS,
    });
    const place = { lineage: 'l', file: 'binlog.000001', gtid: null };
    trace.skip(rows('delete'), { ...place, start: 100 });
    trace.skip({ ...PARENT, verb: 'insert', by: 'text' }, { ...place, start: 100 });
    trace.touch(rows('update', PARENT), { ...place, start: 200 });

    expect(trace.conflicts.conflicts).toMatchObject([
      { object: 'shop.customers', kind: 'left-out', start: 100 },
      { object: 'shop.customers', kind: 'may-fail', why: expect.stringContaining('1032') as string, start: 200 },
    ]);
    expect(verdictOf(trace).verdict).toBe('risky');
  });

  it('sees foreign keys: rows that are still there hold the rows that they refer to', () => {
    const related = { ...KNOWN, foreignKeys: [refers(TABLE, PARENT)] };

    expect(judge(does('drop'), [rows('delete', PARENT)], related).kinds).toEqual(['may-fail']);
    expect(judge(does('drop'), [rows('insert', PARENT)], related).kinds).toEqual([]);
    expect(judge(does('truncate', PARENT), [rows('insert')], related).kinds).toEqual([]);
  });

  it('sees what foreign keys did to rows of other tables, and says that they did it', () => {
    const keys = { ...KNOWN, foreignKeys: [refers(TABLE, PARENT, { onDelete: 'cascade', onUpdate: 'cascade' })] };
    const aside = { ...KNOWN, foreignKeys: [refers(TABLE, PARENT, { onDelete: 'set-null' })] };
    const hinted = { ...NO_DEFINITIONS, foreignKeysUnknown: null };
    const [found] = traced(rows('delete', PARENT), [rows('insert')], keys).conflicts.conflicts;

    expect(found?.why).toContain('(error 1062): a foreign key had changed its rows');
    expect(judge(rows('delete', PARENT), [rows('delete')], keys).kinds).toEqual([]);
    expect(judge(rows('delete', PARENT), [rows('update'), rows('insert')], aside).kinds).toEqual([]);
    expect(judge(rows('delete', PARENT), [does('update')], aside).kinds).toEqual(['differs']);
    expect(judge(rows('delete', PARENT), [does('insert')], aside).kinds).toEqual([]);
    expect(judge({ ...does('delete'), by: 'cascade' }, [rows('delete')], hinted).kinds).toEqual([]);
    expect(judge({ ...does('delete'), by: 'cascade' }, [rows('delete')], NO_DEFINITIONS).kinds).toEqual(['may-fail']);
    expect(judge(does('delete'), [], NO_DEFINITIONS).kinds).toEqual(['unread']);
    expect(judge(does('insert', PARENT, { replaces: true }), [], NO_DEFINITIONS).kinds).toContain('unread');
  });

  it('fears what a row that is there may give to one that comes', () => {
    const aside = { ...KNOWN, foreignKeys: [refers(TABLE, PARENT, { onDelete: 'set-null' })] };
    const onDuplicate = does('insert', TABLE, { replaces: true });

    expect(judge(rows('delete', PARENT), [onDuplicate], aside).kinds).toEqual(['differs']);
    expect(judge(rows('delete', PARENT), [onDuplicate, rows('delete')], aside).kinds).toEqual(['differs', 'may-fail']);
  });

  it('fears triggers and views of skipped statements in text form, and not of skipped rows', () => {
    const used = { ...KNOWN, isUsedIndirectly: () => true };

    expect(judge(does('delete'), [], used).kinds).toEqual(['unread']);
    expect(judge(does('update'), [], used).kinds).toEqual(['unread']);
    expect(judge(does('delete'), []).kinds).toEqual([]);
    expect(judge(rows('delete'), [], used).kinds).toEqual([]);
    expect(judge(does('truncate'), [], used).kinds).toEqual([]);
  });

  it('fears a REPLACE of rows that others which are still there refer to', () => {
    const related = { ...KNOWN, foreignKeys: [refers(TABLE, PARENT)] };
    const replaces = does('insert', PARENT, { replaces: true });

    expect(judge(rows('delete'), [replaces], related).kinds).toEqual(['may-fail']);
    expect(judge(rows('delete'), [does('insert', PARENT)], related).kinds).toEqual([]);
  });

  it('knows from where on rows may have gone with those that they refer to', () => {
    const looseAt = (behind: Touch, of: Definitions): number | undefined => {
      const [question] = traced(rows('delete'), [behind, rows('delete', PARENT), rows('insert')], of).questions;
      return question?.loose?.start;
    };
    const related = { ...KNOWN, foreignKeys: [refers(TABLE, PARENT)] };

    expect(looseAt(rows('update', PARENT), related)).toBe(201);
    expect(looseAt(rows('delete', PARENT), related)).toBe(200);
    expect(looseAt(rows('insert', PARENT), { ...KNOWN, foreignKeysUnknown: 'nobody knows' })).toBe(201);
    expect(looseAt(rows('insert', PARENT), KNOWN)).toBeUndefined();
  });

  it('sees foreign keys over other tables, to itself, and those that are still there', () => {
    const chain = [refers(TABLE, PARENT), refers(PARENT, OTHER)];
    const related = { ...KNOWN, foreignKeys: chain };
    const own = { ...KNOWN, foreignKeys: [refers(TABLE, TABLE)] };

    expect(judge(rows('delete'), [rows('delete', OTHER)], related).kinds).toEqual(['may-fail']);
    expect(judge(rows('delete'), [rows('delete')], own).kinds).toEqual(['may-fail']);
    expect(judge(does('alter', TABLE, drops('c')), [rows('delete', PARENT)], related).kinds).toEqual(['may-fail']);
    expect(judge(does('drop'), [does('alter', PARENT)], related).kinds).toEqual(['may-fail']);
    expect(judge(does('update', PARENT), [rows('insert')], related).kinds).toEqual(['may-fail']);
    const far = { ...KNOWN, foreignKeys: [refers(TABLE, { ...PARENT, schema: 'far' })] };
    expect(judge(does('drop'), [does('drop', { ...SCHEMA, schema: 'far' })], far).kinds).toEqual(['may-fail']);
    expect(judge(does('drop'), [does('drop', SCHEMA)], far).kinds).toEqual(['undone']);
    const direct = { ...KNOWN, foreignKeys: [refers(TABLE, PARENT)] };
    const renamed = [does('rename', PARENT, { to: OTHER }), rows('delete', OTHER)];
    expect(judge(rows('delete'), renamed, direct).kinds).toEqual(['may-fail']);
    expect(judge(rows('delete'), renamed).kinds).toEqual([]);
  });

  it('sees names that went with a table: of triggers and of foreign keys', () => {
    const trigger = does('create', { type: 'trigger', schema: 'shop', name: 'tr' });
    const related = { ...KNOWN, foreignKeys: [refers(TABLE, PARENT)], isUsedIndirectly: () => true };
    const makes = does('create', OTHER, { namesForeignKeys: true });

    expect(judge(does('drop'), [trigger], related).kinds).toEqual(['may-fail']);
    expect(judge(does('drop'), [trigger]).kinds).toEqual([]);
    expect(judge(does('drop'), [makes], related).kinds).toEqual(['may-fail']);
    expect(judge(does('drop'), [makes]).kinds).toEqual([]);
  });

  it('sees columns that are still there and take no default', () => {
    const skipped = does('alter', TABLE, drops('c'));
    const named = does('insert', TABLE, { namesColumns: true });
    const facts = (more: Partial<TableFacts>): Definitions => ({ ...KNOWN, table: () => ({ ...FACTS, ...more }) });
    const unique = facts({ uniqueKeys: [...FACTS.uniqueKeys, [{ column: 'C', prefix: null, text: null }]] });

    expect(judge(skipped, [named]).kinds).toEqual([]);
    expect(judge(skipped, [named], facts({ required: ['c'] })).kinds).toEqual(['may-fail']);
    expect(judge(skipped, [rows('insert')], facts({ required: ['c'] })).kinds).toEqual([]);
    expect(judge(skipped, [rows('insert')], facts({ isChecked: true })).kinds).toEqual(['may-fail']);
    expect(judge(skipped, [rows('insert')], unique).kinds).toEqual(['may-fail']);
    expect(judge(skipped, [rows('delete')], facts({ hasPrimaryKey: false })).kinds).toEqual(['may-fail']);
  });

  it('sees what statements in text form use without naming it', () => {
    const after = (skipped: Touch, behind: readonly Touch[]): string => {
      const trace = new SkipTrace({ id: 'inc-1', objects: [skipped] } as unknown as Incident, { definitions: KNOWN });
      const place = { lineage: 'l', file: 'f', gtid: null };
      trace.skip(skipped, { ...place, start: 1 });
      for (const touch of behind) trace.touch(touch, { ...place, start: 2 });
      trace.text({ ...place, start: 3 });
      return verdictOf(trace).verdict;
    };

    expect(after(does('drop', { type: 'trigger', schema: 'shop', name: 'tr' }), [])).toBe('risky');
    expect(after(does('truncate'), [])).toBe('safe');
    expect(after(does('truncate'), [does('read', TABLE, { lenient: true, isStored: true })])).toBe('risky');
  });

  it('is never safe where definitions, or a later group, cannot be read', () => {
    expect(judge(does('drop'), [rows('delete', PARENT)], NO_DEFINITIONS).verdict).toBe('risky');
    expect(judge(does('alter', TABLE, drops('c')), [rows('insert')], NO_DEFINITIONS).verdict).toBe('risky');
    expect(judge(does('drop'), [does('drop', { ...SCHEMA, schema: 'far' })], NO_DEFINITIONS).verdict).toBe('risky');
    expect(judge(does('drop'), [does('drop', SCHEMA)], NO_DEFINITIONS).kinds).toEqual(['undone']);
    const trace = new SkipTrace({ id: 'inc-1', objects: [TABLE] } as unknown as Incident, { definitions: KNOWN });
    trace.skip(does('drop'), { lineage: 'l', file: 'f', start: 1, gtid: null });
    trace.unread('cannot be read', { lineage: 'l', file: 'f', start: 2, gtid: null });
    expect(verdictOf(trace).verdict).toBe('risky');
  });

  it('minds no foreign keys where no rows go: of views, triggers, routines, events and accounts', () => {
    const without = (['view', 'trigger', 'routine', 'event', 'sequence'] as const).flatMap((type) =>
      (['drop', 'replace'] as const).map((verb) => does(verb, { ...VIEW, type })),
    );
    expect(judge(does('alter', TABLE, drops('c')), [...without, does('drop', BOB)], NO_DEFINITIONS).kinds).toEqual([]);
  });

  it('lists so many, and counts the others', () => {
    const trace = new SkipTrace({ id: 'inc-1', objects: [] } as unknown as Incident, { definitions: KNOWN });
    for (let index = 0; index < 200; index += 1) {
      trace.skip(does('truncate', { ...TABLE, name: `t${index}` }), { lineage: 'l', file: 'f', start: 1, gtid: null });
    }
    expect(trace.conflicts.conflicts).toHaveLength(50);
    expect(verdictOf(trace).why).toMatch(/and 199 more$/);
  });

  it('cannot end an XA transaction whose first half is left out, and makes an ALTER as a whole', () => {
    const after = (...behind: { step: 'begun' | 'commit' | 'rollback'; key: string }[]): string[] => {
      const trace = new SkipTrace({ id: 'inc-1', objects: [] } as unknown as Incident, { definitions: KNOWN });
      for (const key of ['XA a', 'XA b', 'ALTER 0-7']) trace.halves.skip({ step: 'begun', key });
      trace.halves.skip({ step: 'commit', key: 'XA b' });
      for (const phase of behind) trace.phase(phase, { lineage: 'm', file: 'f', start: 9, gtid: '0-2-9' });
      const { verdict, why } = verdictOf(trace);
      return [verdict, why];
    };

    expect(after({ step: 'commit', key: 'XA a' })).toEqual([
      'impossible',
      'the replay would fail at 0-2-9: commits a, whose first half is left out (error 1397)',
    ]);
    expect(after({ step: 'rollback', key: 'XA a' })[0]).toBe('impossible');
    expect(after({ step: 'commit', key: 'ALTER 0-7' })).toEqual([
      'risky',
      'at 0-2-9, ends the ALTER that is left out, and makes it as a whole',
    ]);
    for (const key of ['XA b', 'XA c']) expect(after({ step: 'commit', key })[0]).toBe('safe');
    expect(after({ step: 'begun', key: 'XA a' }, { step: 'commit', key: 'XA a' })[0]).toBe('safe');
    expect(after({ step: 'rollback', key: 'ALTER 0-7' })[0]).toBe('safe');
  });

  it('may meet any table where foreign keys are not known, and both ends of those of a schema', () => {
    const foreignKeys = [refers({ ...OTHER, schema: 'far' }, TABLE)];
    const trace = (definitions: Definitions): SkipTrace => {
      const made = new SkipTrace({ id: 'inc-1', objects: [] } as unknown as Incident, { definitions });
      made.skip(does('drop', SCHEMA), { lineage: 'l', file: 'f', start: 1, gtid: null });
      return made;
    };

    expect(trace(NO_DEFINITIONS).mindsAll).toBe(true);
    expect(trace(KNOWN).mindsAll).toBe(false);
    expect(trace({ ...KNOWN, foreignKeys }).names).toContainEqual({ ...OTHER, schema: 'far' });
  });
});
