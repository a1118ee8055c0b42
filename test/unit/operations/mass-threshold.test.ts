import { describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../../src/archive/backup-record.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import { isSmallMass, MASS_DEFAULTS, TableSizes } from '../../../src/operations/mass-threshold.ts';

type Mass = Pick<Incident, 'kind' | 'rows' | 'objects' | 'time'>;

const deleted = (count: number, more: Partial<Mass> = {}): Mass => ({
  kind: 'mass-delete',
  rows: { deleted: count, updated: 0 },
  objects: [{ schema: 'shop', name: 'orders', type: 'table', rows: { deleted: count, updated: 0 } }],
  time: '2026-11-22T10:00:00Z',
  ...more,
});

const backup = (id: string, finishedAt: string, rows: number | null): BackupRecord =>
  ({
    id,
    finishedAt,
    ...(rows === null ? {} : { tables: [{ schema: 'shop', name: 'orders', rows }] }),
  }) as unknown as BackupRecord;

describe('a mass of rows', () => {
  it('is small below the threshold, which deleted and updated rows reach together', () => {
    expect(isSmallMass(deleted(9_999), MASS_DEFAULTS)).toBe(true);
    expect(isSmallMass(deleted(10_000), MASS_DEFAULTS)).toBe(false);
    expect(isSmallMass(deleted(0, { rows: { deleted: 5000, updated: 5000 } }), MASS_DEFAULTS)).toBe(false);
    expect(isSmallMass(deleted(100), { ...MASS_DEFAULTS, massRows: 100 })).toBe(false);
  });

  it('counts all of a loop that stands in several files', () => {
    const loopOf = (all: number): Pick<Incident, 'loop'> => {
      const place = { file: 'binlog.000001', position: 4 };
      return { loop: { deleted: all, groups: 9, from: place, to: place } };
    };
    expect(isSmallMass({ ...deleted(5000), ...loopOf(9_999) }, MASS_DEFAULTS)).toBe(true);
    expect(isSmallMass({ ...deleted(5000), ...loopOf(10_000) }, MASS_DEFAULTS)).toBe(false);
    const sizes = new TableSizes([backup('one', '2026-11-22T08:00:00Z', 400)]);
    expect(isSmallMass({ ...deleted(150), ...loopOf(199) }, MASS_DEFAULTS, sizes.before(deleted(0)))).toBe(true);
    expect(isSmallMass({ ...deleted(150), ...loopOf(200) }, MASS_DEFAULTS, sizes.before(deleted(0)))).toBe(false);
  });

  it('is not small when nobody knows how large it is, and nothing else is ever small', () => {
    expect(isSmallMass(deleted(5, { rows: { deleted: 5, updated: 0, atLeast: true } }), MASS_DEFAULTS)).toBe(false);
    expect(isSmallMass(deleted(0), MASS_DEFAULTS)).toBe(false);
    expect(isSmallMass(deleted(5, { kind: 'drop-table' }), MASS_DEFAULTS)).toBe(false);
  });

  it('is not small when a text tells of another table, whose rows are not in the log', () => {
    const told = { schema: 'shop', name: 'items', type: 'table' } as const;
    expect(isSmallMass(deleted(5, { objects: [told] }), MASS_DEFAULTS)).toBe(false);
    expect(isSmallMass(deleted(5, { objects: [...deleted(5).objects, told] }), MASS_DEFAULTS)).toBe(false);
  });

  it('is not small when it is half of the table, as the newest backup before it knows that', () => {
    const sizes = new TableSizes([
      backup('old', '2026-11-20T00:00:00Z', 150),
      backup('silent', '2026-11-22T09:00:00Z', null),
      backup('newest', '2026-11-22T08:00:00Z', 400),
      backup('later', '2026-11-22T11:00:00Z', 100),
    ]);
    const isSmall = (incident: Mass): boolean => isSmallMass(incident, MASS_DEFAULTS, sizes.before(incident));
    expect(isSmall(deleted(199))).toBe(true);
    expect(isSmall(deleted(200))).toBe(false);
    expect(isSmall(deleted(100, { time: '2026-11-21T10:00:00Z' }))).toBe(false);
    expect(isSmall(deleted(200, { time: '2026-11-19T10:00:00Z' }))).toBe(true);
    const sameSecond = new TableSizes([backup('just', '2026-11-22T10:00:00.448Z', 400)]);
    expect(isSmallMass(deleted(200), MASS_DEFAULTS, sameSecond.before(deleted(0)))).toBe(false);
    const rows = { deleted: 200, updated: 0 };
    const other = deleted(200, { objects: [{ schema: 'shop', name: 'items', type: 'table', rows }] });
    expect(isSmall(other)).toBe(true);
  });
});
