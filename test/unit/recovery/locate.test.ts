import { describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../../src/archive/backup-record.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import { isLastgoodError } from '../../../src/platform/errors.ts';
import { locate, type LocateSource } from '../../../src/recovery/locate.ts';
import type { LineageView } from '../../../src/recovery/lineage-view.ts';
import { aBackup, anIncident, inMemoryLog, TEN_O_CLOCK, type InMemoryLog } from '../../support/in-memory-log.ts';

/** Two files: 0-1-1 to 0-1-5 from second 0 to 4, then 0-1-6 to 0-1-8 from second 5 to 7. Each group has 100 bytes. */
function twoFiles(): InMemoryLog {
  return inMemoryLog([
    [1, 2, 3, 4, 5].map((n) => ({ gtid: `0-1-${n}`, at: n - 1 })),
    [6, 7, 8].map((n) => ({ gtid: `0-1-${n}`, at: n - 1 })),
  ]);
}

function source(
  views: readonly LineageView[],
  more: { incidents?: readonly Incident[]; backups?: readonly BackupRecord[]; currentAt?: number } = {},
): LocateSource {
  const { incidents = [], backups = [], currentAt = null } = more;
  return {
    views,
    backups,
    currentAt: () => Promise.resolve(currentAt),
    incident: (id) => incidents.find((incident) => incident.id === id) ?? null,
  };
}

function dropIn(log: InMemoryLog, file: number, group: number): Incident {
  const found = log.groups[file]?.[group];
  if (found === undefined) throw new Error('the log has no such group');
  return anIncident(found, { file: log.segments[file]?.digest.file ?? '' });
}

describe('locating an incident', () => {
  it('cuts at its first byte and says what is kept and what is left out', async () => {
    const log = twoFiles();
    const drop = dropIn(log, 0, 3);
    const { resolved, groupsBefore } = await locate(source([log], { incidents: [drop] }), {
      kind: 'before-incident',
      incident: drop.id,
    });
    expect(resolved).toEqual({
      lineage: 'shop-1a2b',
      file: 'binlog.000001',
      position: 556,
      gtid: '0-1-3',
      time: '2026-11-22T10:00:02Z',
      between: 'between 0-1-3 (2026-11-22T10:00:02Z) and 0-1-4 (2026-11-22T10:00:03Z), DROP DATABASE shop',
      gtidState: '0-1-3',
    });
    expect(groupsBefore).toBe(3);
  });

  it('finds the last good group in the file before when the incident is the first of its file', async () => {
    const log = twoFiles();
    const drop = dropIn(log, 1, 0);
    const { resolved, groupsBefore } = await locate(source([log], { incidents: [drop] }), {
      kind: 'before-incident',
      incident: drop.id,
    });
    expect(resolved).toMatchObject({ file: 'binlog.000002', position: 256, gtid: '0-1-5', gtidState: '0-1-5' });
    expect(groupsBefore).toBe(0);
  });

  it('does not know an incident that was never found', async () => {
    await expect(locate(source([twoFiles()]), { kind: 'before-incident', incident: 'inc-00000000' })).rejects.toSatisfy(
      (error) => isLastgoodError(error, 'INCIDENT_UNKNOWN') && error.message === "no incident 'inc-00000000' is known",
    );
  });

  it('trusts the archive, not the catalog, when they differ', async () => {
    const log = twoFiles();
    const misplaced = anIncident({ start: 506, end: 606, time: TEN_O_CLOCK }, { file: 'binlog.000001' });
    const target = { kind: 'before-incident', incident: misplaced.id } as const;
    await expect(locate(source([log], { incidents: [misplaced] }), target)).rejects.toThrow(
      'inside the transaction group',
    );
  });

  it('warns about an incident that was rolled back', async () => {
    const log = twoFiles();
    const drop = { ...dropIn(log, 0, 3), state: 'rolled-back' as const };
    const { warnings } = await locate(source([log], { incidents: [drop] }), {
      kind: 'before-incident',
      incident: drop.id,
    });
    expect(warnings).toEqual([`incident ${drop.id} was rolled back: by itself it destroyed nothing`]);
  });

  it('warns about one that may take effect yet, and not when it has', async () => {
    const log = twoFiles();
    const settledBy = { file: 'binlog.000002', start: 256, end: 356, gtid: '0-1-6', time: '2026-11-22T10:00:05Z' };
    const pending = { ...dropIn(log, 0, 3), state: 'pending', awaits: "XA X'61',X'',1" } as const;
    const target = { kind: 'before-incident', incident: pending.id } as const;
    const waiting = await locate(source([log], { incidents: [pending] }), target);
    expect(waiting.warnings).toEqual([
      `incident ${pending.id} has not taken effect yet: whether it does is decided later in the log`,
    ]);
    const settled = { ...pending, state: 'effective', settledBy } as const;
    const { warnings, resolved } = await locate(source([log], { incidents: [settled] }), target);
    expect(warnings).toEqual([]);
    expect(resolved).toEqual(waiting.resolved);
  });

  it('takes the place of what a source says of itself between two groups, and no other place without a group', async () => {
    const log = inMemoryLog([[{ gtid: '0-1-1', at: 0 }], [{ gtid: '0-1-2', at: 1 }]]);
    const noted = anIncident({ start: 230, end: 256, time: TEN_O_CLOCK }, { file: 'binlog.000002' });
    const target = { kind: 'before-incident', incident: noted.id } as const;
    const note = { ...noted, kind: 'source-incident', objects: [] } as const;
    const { resolved } = await locate(source([log], { incidents: [note] }), target);
    expect(resolved).toMatchObject({ file: 'binlog.000002', position: 256, gtid: '0-1-1' });
    await expect(locate(source([log], { incidents: [noted] }), target)).rejects.toThrow(
      `the archive has no group at binlog.000002:230, where incident ${noted.id} should be`,
    );
  });
});

describe('locating a GTID', () => {
  it('cuts before it or after it', async () => {
    const log = twoFiles();
    const before = await locate(source([log]), { kind: 'before-gtid', gtid: '0-1-7' });
    const after = await locate(source([log]), { kind: 'after-gtid', gtid: '0-1-7' });
    expect(before.resolved).toMatchObject({ file: 'binlog.000002', position: 356, gtid: '0-1-6', gtidState: '0-1-6' });
    expect(after.resolved).toMatchObject({ file: 'binlog.000002', position: 456, gtid: '0-1-7', gtidState: '0-1-7' });
  });

  it('refuses a GTID of another server although the sequence number was reached', async () => {
    await expect(locate(source([twoFiles()]), { kind: 'before-gtid', gtid: '0-2-7' })).rejects.toSatisfy(
      (error) =>
        isLastgoodError(error, 'TARGET_UNREACHABLE') &&
        error.message === '0-2-7 is not in the archive: of domain 0 it goes to 0-1-8',
    );
  });

  it('says how far a domain goes when the number is beyond it, and when the domain is unknown', async () => {
    const log = inMemoryLog([[{ gtid: '0-1-101', at: 0 }]], { gtidStart: '0-1-100' });
    await expect(locate(source([log]), { kind: 'after-gtid', gtid: '0-1-102' })).rejects.toThrow(
      '0-1-102 is not in the archive: of domain 0 it goes from after 0-1-100 to 0-1-101',
    );
    await expect(locate(source([log]), { kind: 'after-gtid', gtid: '3-1-1' })).rejects.toThrow(
      'it has no GTIDs of domain 3',
    );
  });

  it('finds GTIDs of interleaved domains', async () => {
    const log = inMemoryLog([
      [
        { gtid: '0-1-1', at: 0 },
        { gtid: '1-1-1', at: 1 },
        { gtid: '0-1-2', at: 2 },
        { gtid: '1-1-2', at: 3 },
      ],
    ]);
    const { resolved } = await locate(source([log]), { kind: 'before-gtid', gtid: '0-1-2' });
    expect(resolved).toMatchObject({ position: 456, gtid: '1-1-1', gtidState: '0-1-1,1-1-1' });
  });

  it('finds a MySQL GTID and names what the archive has of its uuid', async () => {
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
    const log = inMemoryLog([[1, 2, 3].map((n) => ({ gtid: `${uuid}:${n}`, at: n }))], { flavor: 'mysql' });
    const { resolved } = await locate(source([log]), { kind: 'before-gtid', gtid: `${uuid}:3` });
    expect(resolved).toMatchObject({ position: 456, gtid: `${uuid}:2`, gtidState: `${uuid}:1-2` });
    await expect(locate(source([log]), { kind: 'before-gtid', gtid: `${uuid}:9` })).rejects.toThrow(
      `it has ${uuid}:1-3`,
    );
  });

  it('refuses a GTID of the other flavor', async () => {
    const target = { kind: 'before-gtid', gtid: '3e11fa47-71ca-11e1-9e33-c80aa9429562:3' } as const;
    await expect(locate(source([twoFiles()]), target)).rejects.toThrow(
      'but the archive holds the log of a mariadb server',
    );
  });

  it('reads from the checkpoint before it, not from the start of the file', async () => {
    const log = inMemoryLog([Array.from({ length: 100 }, (_, n) => ({ gtid: `0-1-${n + 1}`, at: n }))]);
    await locate(source([log]), { kind: 'before-gtid', gtid: '0-1-90' });
    expect(Math.min(...log.reads.map(({ from }) => from))).toBeGreaterThan(8500);
  });
});

describe('locating coordinates', () => {
  it.each([
    { asked: 'binlog.000001:4', file: 'binlog.000001', position: 256, gtidState: '', what: 'the start of a file' },
    { asked: 'binlog.000001:356', file: 'binlog.000001', position: 356, gtidState: '0-1-1', what: 'a group boundary' },
    { asked: 'binlog.000001:756', file: 'binlog.000002', position: 256, gtidState: '0-1-5', what: 'the end of a file' },
    { asked: 'binlog.000002:4', file: 'binlog.000002', position: 256, gtidState: '0-1-5', what: 'a header' },
    { asked: 'binlog.000002:556', file: 'binlog.000002', position: 556, gtidState: '0-1-8', what: 'the very end' },
  ])('takes $what and cuts where the first group left out begins', async ({ asked, what: _, ...cut }) => {
    const { resolved } = await locate(source([twoFiles()]), { kind: 'before-coordinates', coordinates: asked });
    expect(resolved).toMatchObject(cut);
  });

  it('refuses to cut a group and names its borders', async () => {
    const target = { kind: 'before-coordinates', coordinates: 'binlog.000001:400' } as const;
    await expect(locate(source([twoFiles()]), target)).rejects.toSatisfy(
      (error) =>
        isLastgoodError(error, 'TARGET_UNREACHABLE') &&
        error.message === 'binlog.000001:400 is inside the transaction group 0-1-2, which goes from 356 to 456' &&
        error.hint.includes('binlog.000001:356 to leave it out or binlog.000001:456 to keep it'),
    );
  });

  it('refuses what is not archived', async () => {
    const views = [twoFiles()];
    await expect(locate(source(views), { kind: 'before-coordinates', coordinates: 'binlog.000009:4' })).rejects.toThrow(
      'binlog.000009 is not in the archive: it has binlog.000001 to binlog.000002',
    );
    await expect(
      locate(source(views), { kind: 'before-coordinates', coordinates: 'binlog.000002:9999' }),
    ).rejects.toThrow('binlog.000002:9999 is after the end of what is archived of the file, 556');
  });

  it('means the newer lineage when two have the file, and says so', async () => {
    const older = inMemoryLog([[{ gtid: '0-1-1', at: 0 }]], { id: 'shop-old' });
    const { resolved, warnings } = await locate(source([twoFiles(), older]), {
      kind: 'before-coordinates',
      coordinates: 'binlog.000001:256',
    });
    expect(resolved.lineage).toBe('shop-1a2b');
    expect(warnings).toEqual(['lineage shop-old has a file binlog.000001 too; the newer lineage shop-1a2b is meant']);
  });
});

describe('locating a time', () => {
  const at = (text: string) => ({ kind: 'at', time: text }) as const;

  it('keeps everything of that second and cuts before the first later group', async () => {
    const { resolved } = await locate(source([twoFiles()]), at('2026-11-22T10:00:02Z'));
    expect(resolved).toMatchObject({ file: 'binlog.000001', position: 556, gtid: '0-1-3' });
  });

  it('finds a cut at the start of the next file', async () => {
    const { resolved } = await locate(source([twoFiles()]), at('2026-11-22T11:00:04+01:00'));
    expect(resolved).toMatchObject({ file: 'binlog.000002', position: 256, gtid: '0-1-5' });
  });

  it('counts groups after the cut that carry an earlier time, in this file and the next', async () => {
    const log = inMemoryLog([
      [{ at: 0 }, { at: 10 }, { at: 3 }, { at: 11 }],
      [{ at: 4 }, { at: 12 }],
    ]);
    const { resolved, warnings } = await locate(source([log]), at('2026-11-22T10:00:05Z'));
    expect(resolved).toMatchObject({ file: 'binlog.000001', position: 356 });
    expect(warnings).toEqual([
      '2 groups after the cut carry a time at or before 2026-11-22T10:00:05Z: committed later, or set by hand; the order of the log decides',
    ]);
  });

  it('is not misled by a forged time before a backup that was finished by then', async () => {
    const log = inMemoryLog([[{ at: 0 }, { at: 9999 }, { at: 1 }, { at: 2 }, { at: 30 }, { at: 40 }]]);
    const backups = [aBackup('binlog.000001:556', { finishedAt: TEN_O_CLOCK + 5 })];
    const { resolved } = await locate(source([log], { backups }), at('2026-11-22T10:00:10Z'));
    expect(resolved.position).toBe(656);
    const naive = await locate(source([log]), at('2026-11-22T10:00:10Z'));
    expect(naive.resolved.position).toBe(356);
  });

  it('refuses a time before the archive and one after its end', async () => {
    await expect(locate(source([twoFiles()]), at('2026-11-22T09:59:59Z'))).rejects.toThrow(
      '2026-11-22T09:59:59Z is before what is archived: the archive begins at 2026-11-22T10:00:00Z',
    );
    await expect(locate(source([twoFiles()]), at('2026-11-22T10:00:08Z'))).rejects.toThrow(
      'the archive of lineage shop-1a2b ends at 2026-11-22T10:00:07Z, 2026-11-22T10:00:08Z is later',
    );
  });

  it('accepts a time after the last group when the source was seen to have nothing more by then', async () => {
    const views = [twoFiles()];
    const { resolved } = await locate(source(views, { currentAt: TEN_O_CLOCK + 100 }), at('2026-11-22T10:01:00Z'));
    expect(resolved).toMatchObject({ file: 'binlog.000002', position: 556, gtid: '0-1-8' });
    await expect(locate(source(views, { currentAt: TEN_O_CLOCK + 100 }), at('2026-11-22T10:02:00Z'))).rejects.toThrow(
      'is later',
    );
  });

  it("warns that the archive's last second may not be complete", async () => {
    const { warnings } = await locate(source([twoFiles()]), at('2026-11-22T10:00:07Z'));
    expect(warnings).toEqual([
      'the archive ends in the second of 2026-11-22T10:00:07Z: later groups of the same second may not be archived yet',
    ]);
  });
});

describe('locating the latest', () => {
  it('ends in the newest file, also when that has no groups yet', async () => {
    const log = inMemoryLog([[{ gtid: '0-1-1', at: 0 }], []]);
    const { resolved, groupsBefore } = await locate(source([log]), { kind: 'after-gtid', gtid: '0-1-1' });
    expect(resolved).toMatchObject({ file: 'binlog.000002', position: 256, gtid: '0-1-1', gtidState: '0-1-1' });
    expect(groupsBefore).toBe(0);
    expect((await locate(source([log]), { kind: 'latest' })).resolved).toEqual(resolved);
  });

  it('keeps everything archived', async () => {
    const { resolved, groupsBefore } = await locate(source([twoFiles()]), { kind: 'latest' });
    expect(resolved).toMatchObject({ file: 'binlog.000002', position: 556, gtid: '0-1-8', gtidState: '0-1-8' });
    expect(resolved.between).toBe('after 0-1-8 (2026-11-22T10:00:07Z), the last group archived');
    expect(groupsBefore).toBe(3);
  });

  it('works without GTIDs', async () => {
    const log = inMemoryLog([[{ at: 0 }, { at: 1 }]], { gtidStart: null, flavor: 'mysql' });
    const { resolved } = await locate(source([log]), { kind: 'latest' });
    expect(resolved).toMatchObject({ gtid: null, gtidState: null });
    expect(resolved.between).toBe('after binlog.000001:356 (2026-11-22T10:00:01Z), the last group archived');
  });

  it('refuses an empty archive', async () => {
    await expect(locate(source([]), { kind: 'latest' })).rejects.toThrow('the archive is empty');
  });
});
