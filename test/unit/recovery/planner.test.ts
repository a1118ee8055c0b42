import { describe, expect, it } from 'vitest';
import type { RehearsalRecord } from '../../../src/archive/rehearsal-record.ts';
import { parseCoordinates } from '../../../src/binlog/coordinates.ts';
import { isLastgoodError } from '../../../src/platform/errors.ts';
import type { ExaminedBackup } from '../../../src/recovery/choose-backup.ts';
import type { Way } from '../../../src/recovery/crossing.ts';
import { warningsWithin } from '../../../src/recovery/replayed-incidents.ts';
import { planRestore, type PlanInput } from '../../../src/recovery/planner.ts';
import type { CatalogSegment } from '../../../src/catalog/segment-table.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import { aBackup, anIncident, inMemoryLog, TEN_O_CLOCK } from '../../support/in-memory-log.ts';

/** Three files of four groups of 100 bytes: groups start at 256, 356, 456, 556, the files end at 656. */
const LOG = inMemoryLog(
  [0, 1, 2].map((file) => [0, 1, 2, 3].map((n) => ({ gtid: `0-1-${file * 4 + n + 1}`, at: file * 4 + n }))),
);

const BROKEN = { lineage: 'shop-1a2b', parent: 'shop-old', why: 'lineage shop-1a2b does not continue shop-old' };

/** Without any failover. */
function wayThrough(segments: readonly CatalogSegment[]): Way {
  return { legs: [{ lineage: 'shop-1a2b', segments, crossing: null }], broken: null };
}

function examined(
  coordinates: string,
  more: { why?: string; groupsBefore?: number } & Parameters<typeof aBackup>[1] = {},
): ExaminedBackup {
  const { why = null, groupsBefore, ...record } = more;
  const { position } = parseCoordinates(coordinates);
  return {
    record: aBackup(coordinates, record),
    why,
    warnings: [],
    groupsBefore: groupsBefore ?? (position - 256) / 100,
  };
}

function input(cut: string, change: Partial<PlanInput> = {}): PlanInput {
  const { file, position } = parseCoordinates(cut);
  return {
    target: { kind: 'before-coordinates', coordinates: cut },
    resolved: { lineage: 'shop-1a2b', file, position, gtid: null, time: null, between: '', gtidState: null },
    groupsBefore: (position - 256) / 100,
    backups: [],
    way: wayThrough(LOG.segments),
    incidents: [],
    losses: [],
    rehearsals: [],
    skips: [],
    last: null,
    warnings: [],
    now: TEN_O_CLOCK,
    ...change,
  };
}

describe('planRestore', () => {
  it('replays from the backup up to, not including, the cut', () => {
    const plan = planRestore(input('binlog.000003:356', { backups: [examined('binlog.000001:456')] }));
    expect(plan.segments).toEqual([
      { lineage: 'shop-1a2b', file: 'binlog.000001', from: 456, to: 656, bytes: 200 },
      { lineage: 'shop-1a2b', file: 'binlog.000002', from: 4, to: 656, bytes: 652 },
      { lineage: 'shop-1a2b', file: 'binlog.000003', from: 4, to: 356, bytes: 352 },
    ]);
    expect(plan).toMatchObject({ groups: 7, bytes: 1204, skipped: [], conflicts: [], reachable: true });
  });

  it('counts exactly when backup and cut are in one file', () => {
    const plan = planRestore(input('binlog.000002:556', { backups: [examined('binlog.000002:356')] }));
    expect(plan.segments).toEqual([{ lineage: 'shop-1a2b', file: 'binlog.000002', from: 356, to: 556, bytes: 200 }]);
    expect(plan.groups).toBe(2);
  });

  it('replays nothing when the backup stands at the cut', () => {
    const plan = planRestore(input('binlog.000002:356', { backups: [examined('binlog.000002:356')] }));
    expect(plan).toMatchObject({ segments: [], groups: 0, bytes: 0 });
  });

  it('chooses the newest backup that is not after the cut', () => {
    const backups = ['binlog.000001:256', 'binlog.000002:456', 'binlog.000003:456'].map((at) => examined(at));
    expect(planRestore(input('binlog.000003:356', { backups })).backup.id).toBe('b-binlog.000002:456');
  });

  it('passes over an unusable backup and says so', () => {
    const backups = [
      examined('binlog.000001:256'),
      examined('binlog.000002:256', { id: 'new', why: 'it is of another server' }),
    ];
    const plan = planRestore(input('binlog.000003:356', { backups }));
    expect(plan.backup.id).toBe('b-binlog.000001:256');
    expect(plan.warnings).toEqual(['backup new was passed over: it is of another server']);
  });

  it('never takes a backup of another lineage', () => {
    const backups = [examined('binlog.000001:256', { lineage: 'shop-old' })];
    expect(() => planRestore(input('binlog.000003:356', { backups }))).toThrow(
      'no usable backup stands at or before binlog.000003:356: none is of lineage shop-1a2b',
    );
  });

  it('says where the earliest backup stands when all are after the cut', () => {
    const backups = [examined('binlog.000003:256', { id: 'b2' }), examined('binlog.000002:256', { id: 'b1' })];
    expect(() => planRestore(input('binlog.000001:356', { backups }))).toThrow(
      'no usable backup stands at or before binlog.000001:356: the earliest, b1, stands at binlog.000002:256',
    );
  });

  it('says that there is no backup at all', () => {
    let caught: unknown;
    try {
      planRestore(input('binlog.000001:356'));
    } catch (error) {
      caught = error;
    }
    expect(isLastgoodError(caught, 'BACKUP_MISSING')).toBe(true);
    expect(caught).toHaveProperty('message', 'no usable backup stands at or before binlog.000001:356: there is none');
  });

  it('refuses a missing file and names it', () => {
    const segments = LOG.segments.filter(({ digest }) => digest.file !== 'binlog.000002');
    const backups = [examined('binlog.000001:456')];
    expect(() => planRestore(input('binlog.000003:356', { backups, way: wayThrough(segments) }))).toThrow(
      'binlog.000002 is missing on the way from binlog.000001:456 to binlog.000003:356, the next archived file is binlog.000003',
    );
  });

  it('names every hole on the way, not only the first', () => {
    const files = Array.from({ length: 7 }, (_, file) => [{ gtid: `0-1-${file + 1}`, at: file }]);
    const long = inMemoryLog(files);
    const segments = long.segments.filter((_, index) => ![1, 2, 4].includes(index));
    const backups = [examined('binlog.000001:256')];
    expect(() => planRestore(input('binlog.000007:356', { backups, way: wayThrough(segments) }))).toThrow(
      'binlog.000002 is missing on the way from binlog.000001:256 to binlog.000007:356, the next archived file is binlog.000004; also missing: binlog.000005 (next: binlog.000006)',
    );
  });

  it('refuses a file that was never finished although others follow', () => {
    const segments = LOG.segments.map((segment) => ({ ...segment, state: 'open' as const }));
    const backups = [examined('binlog.000001:456')];
    expect(() => planRestore(input('binlog.000003:356', { backups, way: wayThrough(segments) }))).toThrow(
      'binlog.000001 ends unfinished at 656, but binlog.000002 follows it',
    );
  });

  it('refuses to cross a break, names it and what can be reached all the same', () => {
    const backups = [
      examined('binlog.000001:256', { lineage: 'shop-old', id: 'b1' }),
      examined('binlog.000003:456', { id: 'b3' }),
      examined('binlog.000003:556', { id: 'b4' }),
    ];
    const way = { ...wayThrough(LOG.segments), broken: BROKEN };
    const places = { lineage: 'shop-old', child: 'shop-1a2b', from: 'binlog.000009:500', to: 'binlog.000001:4' };
    const losses = [{ kind: 'break' as const, ...places, why: 'it was reset', noticedAt: '2026-11-22T10:00:00Z' }];
    const refused = (some: readonly ExaminedBackup[]): unknown => {
      try {
        return planRestore(input('binlog.000002:356', { backups: some, way, losses }));
      } catch (error) {
        return error;
      }
    };
    const error = refused(backups);
    expect(isLastgoodError(error, 'ARCHIVE_GAP')).toBe(true);
    expect(error).toMatchObject({
      message:
        'no backup can be brought to binlog.000002:356 of lineage shop-1a2b: lineage shop-1a2b does not continue shop-old, as noted at 2026-11-22T10:00:00Z: it was reset',
      hint:
        'After the break, backup b3 reaches everything from binlog.000003:456 of shop-1a2b on. ' +
        'Before the break, targets in lineage shop-old can be reached: --before-coordinates shop-old/FILE:POSITION.',
    });
    expect(refused(backups.slice(0, 1))).toHaveProperty(
      'hint',
      expect.stringContaining('No usable backup was taken after the break: run `lastgood backup` now.'),
    );
    const old = examined('binlog.000001:256', { id: 'b2', why: 'its file dump.sql.zst is missing' });
    expect(refused([...backups, old])).toHaveProperty(
      'message',
      expect.stringMatching(/; b2: its file .* is missing$/),
    );
    expect(isLastgoodError(refused(backups.slice(1)), 'BACKUP_MISSING')).toBe(true);
  });

  it('uses a backup taken after a break', () => {
    const way = { ...wayThrough(LOG.segments), broken: BROKEN };
    const backups = [examined('binlog.000001:256', { lineage: 'shop-old' }), examined('binlog.000002:256')];
    expect(planRestore(input('binlog.000002:356', { backups, way })).groups).toBe(1);
  });

  it.each([
    { kind: 'gap' as const, found: 'from binlog.000002:300 to binlog.000002:500 is missing: purged' },
    {
      kind: 'source-incident' as const,
      found: 'from binlog.000002:300 to binlog.000002:500 cannot be trusted: purged',
    },
    {
      kind: 'of-a-later-version' as 'gap',
      found: 'from binlog.000002:300 to binlog.000002:500 cannot be trusted: purged',
    },
  ])(
    'refuses what crosses a $kind of the ledger, and nothing beside it (peers 11: dbtrail #765)',
    ({ kind, found }) => {
      const loss = { kind, lineage: 'shop-1a2b', from: 'binlog.000002:300', to: 'binlog.000002:500', why: 'purged' };
      const losses = [{ ...loss, noticedAt: '2026-11-22T10:00:00Z' }];
      const backups = [examined('binlog.000001:456')];
      expect(() => planRestore(input('binlog.000003:356', { backups, losses }))).toThrow(
        `the log of shop-1a2b ${found}`,
      );
      expect(planRestore(input('binlog.000002:256', { backups, losses })).groups).toBe(2);
      const after = [examined('binlog.000002:556')];
      expect(planRestore(input('binlog.000003:356', { backups: after, losses })).groups).toBe(2);
      const elsewhere = losses.map((other) => ({ ...other, lineage: 'shop-old' }));
      expect(planRestore(input('binlog.000003:356', { backups, losses: elsewhere })).groups).toBe(7);
    },
  );

  it('warns about an incident that is replayed, not about one outside the range', () => {
    const [before, inside, after] = [
      [0, 0],
      [1, 2],
      [2, 1],
    ].map(([file = 0, group = 0]) => {
      const found = LOG.groups[file]?.[group];
      if (found === undefined) throw new Error('the log has no such group');
      return anIncident(found, { file: LOG.segments[file]?.digest.file ?? '' });
    });
    if (before === undefined || inside === undefined || after === undefined)
      throw new Error('three incidents are needed');
    const backups = [examined('binlog.000001:456')];
    const plan = planRestore(input('binlog.000003:356', { backups, incidents: [before, inside, after] }));
    expect(plan.warnings).toEqual([
      `incident ${inside.id} (drop-database shop at 2026-11-22T10:00:06Z) is before the target: it is replayed, what it destroyed stays lost; --skip ${inside.id} leaves it out`,
    ]);
  });

  it('does not warn of what a salvage did with its own schema, and of all else in a schema of that name', () => {
    const group = LOG.groups[0]?.[2];
    if (group === undefined) throw new Error('the log has no such group');
    const schema = 'lastgood_salvage_0a1b2c3d';
    const staged = {
      ...anIncident(group, { file: 'binlog.000001' }),
      objects: [{ schema, name: 't', type: 'table' }],
    } as Incident;
    const incidents: Incident[] = [
      { ...staged, kind: 'rename-table' },
      { ...staged, kind: 'drop-database', objects: [{ schema, name: null, type: 'database' }] },
      { ...staged, id: 'inc-rows', kind: 'mass-delete' },
      {
        ...staged,
        id: 'inc-more',
        kind: 'rename-table',
        objects: [...staged.objects, { schema: 'shop', name: 't', type: 'table' }],
      },
    ];
    const { warnings } = planRestore(input('binlog.000003:356', { backups: [examined('binlog.000001:4')], incidents }));
    expect(warnings.map((warning) => warning.split(' ')[1])).toEqual(['inc-rows', 'inc-more']);
  });

  it('warns a part of a restore only of what concerns its schemas', () => {
    const [one, two, three] = LOG.groups[0] ?? [];
    if (one === undefined || two === undefined || three === undefined) throw new Error('the log has too few groups');
    const of = (group: typeof one, ...schemas: string[]): Incident => ({
      ...anIncident(group, { file: 'binlog.000001' }),
      objects: schemas.map((schema) => ({ schema, name: 't', type: 'table' })),
    });
    const incidents = [of(one, 'Shop'), of(two, 'crm'), of(three, 'crm', 'shop')];
    const { warnings } = planRestore(input('binlog.000003:356', { backups: [examined('binlog.000001:4')], incidents }));
    expect(warnings).toHaveLength(3);
    const others = ['another warning', ...warnings];
    expect(warningsWithin(others, { incidents, schemas: ['shop'] })).toEqual([others[0], others[1], others[3]]);
  });

  it('warns about an old backup', () => {
    const backups = [examined('binlog.000001:456')];
    const plan = planRestore(input('binlog.000003:356', { backups, now: TEN_O_CLOCK + 9.5 * 86_400 }));
    expect(plan.warnings).toEqual(['backup b-binlog.000001:456 is 9 days old: a newer one makes restores shorter']);
  });

  it('estimates from what rehearsals measured, and not without one', () => {
    const backups = [examined('binlog.000001:456')];
    const rehearsal: RehearsalRecord = {
      format: 1,
      id: 'r1',
      startedAt: '2026-11-21T10:00:00Z',
      ok: true,
      lineage: 'shop-1a2b',
      backup: 'b',
      file: 'binlog.000001',
      position: 456,
      gtid: null,
      backupBytes: 3000,
      replayedBytes: 500,
      groups: 3,
      seconds: { load: 2, replay: 5, proof: 1, total: 8 },
    };
    expect(planRestore(input('binlog.000003:356', { backups, rehearsals: [rehearsal] })).estimateSeconds).toBe(8);
    expect(planRestore(input('binlog.000003:356', { backups })).estimateSeconds).toBeNull();
  });
});
