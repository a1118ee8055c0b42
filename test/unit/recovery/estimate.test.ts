import { describe, expect, it } from 'vitest';
import type { RehearsalRecord } from '../../../src/archive/rehearsal-record.ts';
import { estimate, measuredWork, totalSeconds } from '../../../src/recovery/estimate.ts';

const estimateSeconds = (...of: Parameters<typeof estimate>): number | null => totalSeconds(estimate(...of));

const MIB = 1024 * 1024;

function rehearsal(
  bytes: { backup: number; replayed: number },
  seconds: { load: number; replay: number; proof: number },
  startedAt = '2026-11-21T10:00:00Z',
): RehearsalRecord {
  const work = { backupBytes: bytes.backup, replayedBytes: bytes.replayed };
  return { startedAt, ...work, seconds: { ...seconds, total: 0 } } as unknown as RehearsalRecord;
}

const large = rehearsal({ backup: 100 * MIB, replayed: 400 * MIB }, { load: 20, replay: 100, proof: 7 });
const tiny = rehearsal({ backup: 3000, replayed: 500 }, { load: 0.8, replay: 0.3, proof: 0.1 });

describe('estimate', () => {
  it('scales what was large enough to show a rate', () => {
    expect(estimateSeconds([large], { backupBytes: 500 * MIB, replayBytes: 40 * MIB })).toBe(
      Math.round(100 + 10 + (7 * 540) / 500),
    );
  });

  it('takes the seconds of a tiny rehearsal as they are for as little, and no rate from them', () => {
    expect(estimateSeconds([tiny], { backupBytes: 3.5 * MIB, replayBytes: 0 })).toBe(1);
    expect(estimateSeconds([tiny], { backupBytes: 3.5 * MIB, replayBytes: 2 * MIB })).toBe(1);
    expect(estimateSeconds([tiny], { backupBytes: 5 * MIB, replayBytes: 0 })).toBeNull();
    expect(estimateSeconds([tiny], { backupBytes: 3.5 * MIB, replayBytes: 5 * MIB })).toBeNull();
  });

  it('does not let a tiny rehearsal change the rate of a large one', () => {
    const work = { backupBytes: 500 * MIB, replayBytes: 0 };
    expect(estimateSeconds([large, tiny], work)).toBe(100 + 7);
  });

  it('takes no rate from a few bytes that took long', () => {
    const slow = rehearsal({ backup: 3000, replayed: 500 }, { load: 9, replay: 6, proof: 0 });
    expect(estimateSeconds([slow], { backupBytes: 3.5 * MIB, replayBytes: 1000 })).toBe(15);
  });

  it('knows nothing of a large restore from tiny ones, nor of a replay when none was measured', () => {
    const noReplay = rehearsal({ backup: 100 * MIB, replayed: 0 }, { load: 20, replay: 0.1, proof: 1 });
    expect(estimateSeconds([tiny], { backupBytes: 500 * MIB, replayBytes: 0 })).toBeNull();
    expect(estimateSeconds([noReplay], { backupBytes: 100 * MIB, replayBytes: 1000 })).toBeNull();
    expect(estimateSeconds([], { backupBytes: 0, replayBytes: 0 })).toBeNull();
  });

  it('asks only the newest', () => {
    const old = Array.from({ length: 5 }, (_, n) =>
      rehearsal({ backup: 100 * MIB, replayed: 0 }, { load: 20, replay: 0, proof: 0 }, `2026-11-22T10:00:0${n}Z`),
    );
    const slow = rehearsal({ backup: 100 * MIB, replayed: 0 }, { load: 900, replay: 0, proof: 0 });
    expect(estimateSeconds([slow, ...old], { backupBytes: 100 * MIB, replayBytes: 0 })).toBe(20);
  });

  it('stretches what was measured only so far: a hundred times, and ten times where it was little', () => {
    const quick = (backup: number): RehearsalRecord =>
      rehearsal({ backup, replayed: 0 }, { load: 2, replay: 0, proof: 0 });
    expect(estimateSeconds([quick(20 * MIB)], { backupBytes: 2000 * MIB, replayBytes: 0 })).toBe(200);
    expect(estimateSeconds([quick(20 * MIB)], { backupBytes: 2001 * MIB, replayBytes: 0 })).toBeNull();
    expect(estimateSeconds([quick(2 * MIB)], { backupBytes: 20 * MIB, replayBytes: 0 })).toBe(20);
    expect(estimateSeconds([quick(2 * MIB)], { backupBytes: 21 * MIB, replayBytes: 0 })).toBeNull();
  });

  it('asks a large one that is older than any number of tiny ones', () => {
    const many = Array.from({ length: 20 }, () => ({ ...tiny, startedAt: '2026-11-22T10:00:00Z' }));
    expect(estimateSeconds([large, ...many], { backupBytes: 500 * MIB, replayBytes: 0 })).toBe(100 + 7);
  });
});

describe('measuredWork', () => {
  it('is the most that any did, and nothing where there was none', () => {
    const replayed = rehearsal({ backup: 3000, replayed: 500 * MIB }, { load: 1, replay: 90, proof: 1 });
    expect(measuredWork([tiny, large, replayed])).toEqual({
      ...{ restores: 3, backupBytes: 100 * MIB, replayedBytes: 500 * MIB },
    });
    expect(measuredWork([])).toEqual({ restores: 0, backupBytes: 0, replayedBytes: 0 });
  });
});
