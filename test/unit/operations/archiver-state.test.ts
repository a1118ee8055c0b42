import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addArchiverRun, forgetArchiverRuns, readArchiverRuns } from '../../../src/archive/archiver-record.ts';
import { notRunning, rhythmOf } from '../../../src/operations/archiver-state.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const NOON = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;

/** Runs that ended so many minutes before noon. */
const runsAt = (...minutesBefore: number[]): string[] =>
  minutesBefore.map((minutes) => new Date(NOON - minutes * MINUTE).toISOString());

describe('the rhythm of an archiver', () => {
  it.each<[string, string[], number | null]>([
    ['every quarter of an hour', runsAt(62, 47, 32, 17, 2), 15],
    ['every night', runsAt(5 * 1440, 4 * 1440, 3 * 1440, 2 * 1440, 1440), 1440],
    ['a timer that scatters, and was off for a day', runsAt(1500, 1485, 40, 25, 12, 0), 15],
    ['two runs', runsAt(15, 0), null],
    ['now and then', runsAt(9000, 2000, 1990, 300, 3), null],
    ['again and again by hand', runsAt(0.9, 0.7, 0.5, 0.2, 0), null],
    ['none', [], null],
  ])('is known of %s', (_what, runs, minutes) => {
    expect(rhythmOf(runs, new Date(NOON))?.everySeconds ?? null).toBe(minutes === null ? null : minutes * 60);
  });

  it('is late when the next run does not come', () => {
    const runs = runsAt(60, 45, 30, 15, 0);
    const lateAt = (minutes: number): boolean | undefined => rhythmOf(runs, new Date(NOON + minutes * MINUTE))?.isLate;
    expect([0, 15, 23, 24, 1000].map(lateAt)).toEqual([false, false, false, true, true]);
  });

  it('is no reason to say less of one that has stopped', () => {
    const options = { runs: [], now: new Date(NOON), severity: 'error' } as const;
    expect(notRunning('shop', options)).toMatchObject({
      severity: 'error',
      found: 'no archiver is running: what the primary writes now is not being saved',
    });
  });
});

describe('the record of runs', () => {
  it('keeps the last six, and none once an archiver stays', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const path = join(folder.path, 'archiver-shop.json');
    const times = runsAt(8, 7, 6, 5, 4, 3, 2, 1);
    for (const time of times) await addArchiverRun(path, new Date(time));
    expect(await readArchiverRuns(path)).toEqual(times.slice(-6));
    await forgetArchiverRuns(path);
    expect(await readArchiverRuns(path)).toEqual([]);
  });

  it('is not made by an archiver that stays, and one that cannot be read says nothing', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const path = join(folder.path, 'archiver-shop.json');
    await forgetArchiverRuns(path);
    await expect(readFile(path)).rejects.toThrow('ENOENT');
    for (const text of ['', '{', 'null', '{"current": "x"}', '{"current": [1, "x"]}']) {
      await writeFile(path, text);
      expect(await readArchiverRuns(path)).toEqual([]);
    }
  });
});
