import { describe, expect, it } from 'vitest';
import { INCIDENT_KINDS, type Incident, type IncidentObject } from '../../../../src/incident/incident.ts';
import { isLoud, isWanted, QUIET_KINDS } from '../../../../src/operations/alerts/alert-rules.ts';
import type { AlertRule } from '../../../../src/operations/alerts/alert-settings.ts';
import { matchesGlob } from '../../../../src/operations/alerts/glob.ts';
import { anIncident } from '../../../support/alerts.ts';

const table = (schema: string, name: string): IncidentObject => ({ schema, name, type: 'table' });
const database = (schema: string): IncidentObject => ({ schema, name: null, type: 'database' });
const rule = (o: Partial<AlertRule>): AlertRule => ({ kinds: null, schemas: null, tables: null, alert: false, ...o });

const changed = (deleted: number, updated: number): Pick<Incident, 'rows' | 'objects'> => {
  const rows = { deleted, updated };
  return { rows, objects: [{ ...table('shop', 'orders'), rows }] };
};

const wanted = (incident: Incident, rules: readonly AlertRule[]): boolean =>
  isWanted(incident, { rules, mass: { massRows: 1000, massShare: 1 } });

describe('a pattern', () => {
  it.each([
    ['staging', 'staging', true],
    ['staging', 'staging_2', false],
    ['staging*', 'staging_2', true],
    ['*_tmp', 'orders_tmp', true],
    ['t?', 't1', true],
    ['t?', 't', false],
    ['*', '', true],
    ['Staging', 'staging', false],
    ['a.b', 'axb', false],
    ['a[b]', 'a[b]', true],
    ['a+(b)|c', 'a+(b)|c', true],
    ['a\\b', 'a\\b', true],
    ['schöne*', 'schöne_tabelle', true],
    ['??', '🙂x', true],
    ['x*', 'x\ny', true],
    ['staging-*', 'staging-7', true],
    ['staging-*', 'precious', false],
    ['^$.-/{}()', '^$.-/{}()', true],
    ['\uD83D*', '🙂x', false],
    ['*'.repeat(1000), 'x', true],
    ['*a'.repeat(30) + '*b', 'a'.repeat(64), false],
  ])("'%s' against '%s'", (pattern, name, expected) => {
    expect(matchesGlob(name, pattern)).toBe(expected);
  });

  it('of few letters says of every name what a regular expression says', () => {
    const texts = (letters: string, length: number): string[] =>
      length === 0
        ? ['']
        : texts(letters, length - 1).flatMap((text) => [text, ...Array.from(letters, (l) => text + l)]);
    const names = [...new Set(texts('ab', 5))];
    for (const pattern of new Set(texts('ab*?', 5))) {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      const wrong = names.filter((name) => matchesGlob(name, pattern) !== expression.test(name));
      expect([pattern, wrong]).toEqual([pattern, []]);
    }
  });
});

describe('the first rule that matches wins', () => {
  const rules = [rule({ schemas: ['staging'], tables: ['keep_*'], alert: true }), rule({ schemas: ['staging*'] })];

  it.each([
    [table('staging', 'keep_1'), true],
    [table('staging', 'other'), false],
    [table('staging_2', 'keep_1'), false],
    [table('shop', 'keep_1'), true],
  ])('%j', (object, expected) => {
    expect(wanted(anIncident({ objects: [object] }), rules)).toBe(expected);
  });
});

describe('a rule that keeps quiet', () => {
  it('keeps nothing quiet of what else the same statement destroyed', () => {
    const quiet = [rule({ schemas: ['staging'] })];
    expect(wanted(anIncident({ objects: [table('staging', 'a'), table('shop', 'orders')] }), quiet)).toBe(true);
    expect(wanted(anIncident({ objects: [table('staging', 'a'), table('staging', 'b')] }), quiet)).toBe(false);
  });

  it('is about tables says nothing of a whole schema, nor of what names no object', () => {
    const quiet = [rule({ schemas: ['staging'], tables: ['*'] })];
    expect(wanted(anIncident({ kind: 'drop-database', objects: [database('staging')] }), quiet)).toBe(true);
    expect(wanted(anIncident({ kind: 'unclassified', objects: [] }), quiet)).toBe(true);
  });

  it('is about kinds says nothing of others', () => {
    const quiet = [rule({ kinds: ['truncate-table'], schemas: ['staging'] })];
    expect(wanted(anIncident({ kind: 'truncate-table', objects: [table('staging', 'a')] }), quiet)).toBe(false);
    expect(wanted(anIncident({ kind: 'drop-table', objects: [table('staging', 'a')] }), quiet)).toBe(true);
  });
});

describe('without a rule', () => {
  it('all kinds alert but definitions and renames', () => {
    const loud = INCIDENT_KINDS.filter((kind) => wanted(anIncident({ kind, rows: { deleted: 1000, updated: 0 } }), []));
    expect(loud).toEqual(INCIDENT_KINDS.filter((kind) => !QUIET_KINDS.includes(kind)));
    expect(QUIET_KINDS).toEqual(['drop-view', 'drop-trigger', 'drop-routine', 'drop-event', 'rename-table']);
  });

  it('a salvage alerts nobody of its own schema, unless a rule says so', () => {
    const done = anIncident({ kind: 'drop-database', objects: [database('lastgood_salvage_0badcafe')] });
    expect(wanted(done, [])).toBe(false);
    expect(wanted(done, [rule({ schemas: ['lastgood_*'], alert: true })])).toBe(true);
    expect(wanted(anIncident({ ...done, objects: [...done.objects, table('shop', 'orders')] }), [])).toBe(true);
  });

  it('a change of few rows alerts nobody', () => {
    const change = (deleted: number, updated: number): boolean =>
      wanted(anIncident({ kind: 'mass-delete', ...changed(deleted, updated) }), []);
    expect([change(999, 0), change(1000, 0), change(500, 500)]).toEqual([false, true, true]);
  });

  it('a change of few rows alerts when they are much of their table', () => {
    const rows = { deleted: 400, updated: 0 };
    const objects = [{ ...table('shop', 'orders'), rows }];
    const incident = anIncident({ kind: 'mass-delete', rows, objects });
    const rules = { rules: [], mass: { massRows: 1000, massShare: 0.5 } };
    const sized = (size: number | null): boolean => isWanted(incident, { ...rules, sizeOf: () => size });
    expect([sized(800), sized(801), sized(null), isWanted(incident, rules)]).toEqual([true, false, false, false]);
  });

  it('a delete of unknown many rows, in text form, alerts', () => {
    const inTextForm = { rows: { deleted: 0, updated: 0 }, objects: [table('shop', 'orders')], suspicious: false };
    expect(wanted(anIncident({ kind: 'mass-delete', ...inTextForm }), [])).toBe(true);
    expect(wanted(anIncident({ kind: 'mass-update', ...inTextForm }), [])).toBe(true);
    expect(wanted(anIncident({ kind: 'mass-delete', ...inTextForm, suspicious: true }), [])).toBe(false);
  });

  it('what is only suspected alerts nobody; a rule can change both', () => {
    const all = [rule({ alert: true })];
    expect(wanted(anIncident({ suspicious: true }), [])).toBe(false);
    expect(wanted(anIncident({ suspicious: true }), all)).toBe(true);
    expect(wanted(anIncident({ kind: 'drop-view' }), all)).toBe(true);
  });

  it.each([
    ['effective', true],
    ['pending', true],
    ['unknown', true],
    ['rolled-back', false],
    ['no-op', false],
  ] as const)('state %s: %s', (state, expected) => {
    expect(isLoud(state)).toBe(expected);
  });
});
