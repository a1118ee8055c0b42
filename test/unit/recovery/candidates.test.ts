import { describe, expect, it } from 'vitest';
import type { RehearsalRecord } from '../../../src/archive/rehearsal-record.ts';
import type { ExaminedBackup } from '../../../src/recovery/choose-backup.ts';
import { planRestore, type BarePlan, type PlanInput } from '../../../src/recovery/planner.ts';
import { aBackup, inMemoryLog, TEN_O_CLOCK } from '../../support/in-memory-log.ts';

const MIB = 1024 * 1024;

/** Two files of two groups of 100 MiB each. */
const LOG = inMemoryLog(
  [0, 1].map((file) => [0, 1].map((n) => ({ gtid: `0-1-${file * 2 + n + 1}`, at: file * 2 + n, bytes: 100 * MIB }))),
);
const [FIRST, SECOND] = LOG.segments.map(({ digest }) => digest.file) as [string, string];

/** The higher its number, the later it was finished. */
function backup(id: string, file: string, more: { bytes?: number } & Partial<ExaminedBackup> = {}): ExaminedBackup {
  const { bytes = MIB, ...rest } = more;
  const finishedAt = TEN_O_CLOCK + Number(/\d+$/.exec(id)?.[0] ?? 0);
  const record = aBackup(`${file}:256`, { id, bytes, finishedAt });
  return { record, why: null, warnings: [], groupsBefore: 0, ...rest };
}

/** Loading 10 MiB a second, replaying 20. */
const REHEARSAL = {
  startedAt: '2026-11-21T10:00:00Z',
  backupBytes: 100 * MIB,
  replayedBytes: 400 * MIB,
  seconds: { load: 10, replay: 20, proof: 3, total: 33 },
} as RehearsalRecord;

function planFrom(backups: readonly ExaminedBackup[], change: Partial<PlanInput> = {}): BarePlan {
  const position = LOG.segments[1]?.digest.indexedTo ?? 0;
  return planRestore({
    target: { kind: 'latest' },
    resolved: { lineage: 'shop-1a2b', file: SECOND, position, gtid: null, time: null, between: '', gtidState: null },
    ...{ groupsBefore: 2, backups, incidents: [], losses: [], skips: [], last: null, warnings: [], now: TEN_O_CLOCK },
    way: { legs: [{ lineage: 'shop-1a2b', segments: LOG.segments, crossing: null }], broken: null },
    rehearsals: [REHEARSAL],
    ...change,
  });
}

describe('the backup to start from', () => {
  it('is the one from which the restore is estimated to be fastest, which need not be the newest', () => {
    const plan = planFrom([backup('small', FIRST), backup('large', SECOND, { bytes: 900 * MIB })]);
    expect(plan.candidates).toEqual([
      {
        backup: 'large',
        usable: true,
        why: null,
        estimateSeconds: 107,
        groups: 2,
        bytes: 200 * MIB,
        chosen: false,
      },
      {
        backup: 'small',
        usable: true,
        why: null,
        estimateSeconds: 23,
        groups: 4,
        bytes: 400 * MIB + 252,
        chosen: true,
      },
    ]);
    expect(plan).toMatchObject({ backup: { id: 'small' }, groups: 4, estimateSeconds: 23 });
    expect(plan.estimate?.loadSeconds).toBeCloseTo(0.1);
    expect(plan.estimate?.replaySeconds).toBeCloseTo(20);
    expect(plan.estimate?.proofSeconds).toBeCloseTo((3 * 401) / 500);
  });

  it('is the newest of two that take the same, and as long as the time from one of them is unknown', () => {
    const backups = [backup('small', FIRST), backup('large', SECOND, { bytes: 900 * MIB })];
    expect(planFrom(backups, { rehearsals: [] }).backup.id).toBe('large');
    expect(planFrom([backup('b1', SECOND), backup('b2', SECOND)]).backup.id).toBe('b2');
  });

  it('is an older one when the log from the newest on is whole, but not that from the older ones', () => {
    const loss = {
      kind: 'gap' as const,
      lineage: 'shop-1a2b',
      from: `${FIRST}:300`,
      to: `${FIRST}:400`,
      why: 'purged',
    };
    const plan = planFrom([backup('small', FIRST), backup('large', SECOND, { bytes: 900 * MIB })], {
      losses: [{ ...loss, noticedAt: '2026-11-22T10:00:00Z' }],
    });
    expect(plan.backup.id).toBe('large');
    expect(plan.candidates[1]).toMatchObject({
      backup: 'small',
      usable: false,
      why: `the log of shop-1a2b from ${FIRST}:300 to ${FIRST}:400 is missing: purged`,
    });
    expect(plan.warnings).toEqual([]);
  });

  it('tells of those that are not usable, and apart from them of those that nobody looked at', () => {
    const plan = planFrom([
      backup('b3', SECOND, { why: 'its file dump.sql.zst is missing' }),
      backup('b2', SECOND),
      backup('b1', FIRST, { why: 'not looked at: 4 newer ones can be used', isLookedAt: false }),
    ]);
    const none = { estimateSeconds: null, groups: null, bytes: null, chosen: false };
    expect(plan.candidates[0]).toEqual({
      backup: 'b3',
      usable: false,
      why: 'its file dump.sql.zst is missing',
      ...none,
    });
    expect(plan.candidates[2]).toEqual({
      ...{ backup: 'b1', usable: null, why: 'not looked at: 4 newer ones can be used', ...none },
    });
    expect(plan.warnings).toEqual(['backup b3 was passed over: its file dump.sql.zst is missing']);
  });
});
