import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { semiSyncFindings } from '../../../src/operations/semi-sync.ts';
import { SemiSyncReport } from '../../../src/operations/semi-sync-watch.ts';
import type { SemiSyncSource } from '../../../src/server/semi-sync.ts';

const GOOD: SemiSyncSource = {
  word: 'master',
  enabled: true,
  timeoutMs: 60_000,
  waitPoint: 'AFTER_SYNC',
  waitsAlone: true,
  wanted: 1,
  clients: 1,
  active: true,
  unacknowledged: 0,
};

function found(source: SemiSyncSource | null, archiverRunning = true): string[] {
  return semiSyncFindings(source, { server: 'shop', archiverRunning }).map((item) => `${item.severity}: ${item.found}`);
}

describe('what keeps the loss window from being zero', () => {
  it.each<[string, Partial<SemiSyncSource>, string]>([
    ['it is off', { enabled: false }, 'error: archive.semi_sync is true, but rpl_semi_sync_master_enabled is OFF'],
    ['the archiver is not there', { clients: 0 }, 'error: the archiver is not among its semi-synchronous replicas'],
    [
      'a commit waited too long',
      { active: false },
      'error: commits do not wait at present: rpl_semi_sync_master_status',
    ],
    ['another replica may be first', { clients: 2 }, 'warning: 2 semi-synchronous replicas are connected'],
    ['the wait is short', { timeoutMs: 10_000 }, 'warning: a commit that waited 10 s goes on without the archive'],
    ['the archiver may be away', { waitsAlone: false }, 'warning: commits do not wait while the archiver is away'],
    ['others see it first', { waitPoint: 'AFTER_COMMIT' }, 'warning: commits wait AFTER_COMMIT'],
  ])('%s', (_, change, text) => {
    const findings = found({ ...GOOD, ...change });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toContain(text);
  });

  it.each([
    ['master', 'rpl_semi_sync_master_wait_for_slave_count', 'rpl_semi_sync_master_wait_no_slave'],
    ['source', 'rpl_semi_sync_source_wait_for_replica_count', 'rpl_semi_sync_source_wait_no_replica'],
  ] as const)('is told with the names that the server has: %s', (word, count, alone) => {
    const options = { server: 'shop', archiverRunning: true };
    const fixes = semiSyncFindings({ ...GOOD, word, clients: 2, waitsAlone: false }, options).map(({ fix }) => fix);
    expect(fixes.join(' ')).toContain(`${count}.`);
    expect(fixes.join(' ')).toContain(`SET GLOBAL ${alone} = ON`);
  });

  it('is nothing when all is well: also with two replicas that must both answer, and before MySQL 5.7', () => {
    expect(found(GOOD)).toEqual([]);
    expect(found({ ...GOOD, word: 'source', clients: 2, wanted: 2 })).toEqual([]);
    expect(found({ ...GOOD, waitPoint: null })).toEqual([]);
    expect(found({ ...GOOD, clients: 0, active: false }, false)).toEqual([]);
  });

  it('is told while the archiver reconnects, also when another replica acknowledges', () => {
    const archiver = { server: 'shop', archiverRunning: true, isStreaming: false };
    const told = semiSyncFindings(GOOD, archiver).map((item) => item.found);
    expect(told).toEqual([expect.stringContaining('the archiver is not among its semi-synchronous replicas')]);
    expect(semiSyncFindings(GOOD, { ...archiver, archiverRunning: false })).toEqual([]);
  });

  it('is a plugin that is not there', () => {
    expect(found(null)).toEqual(['error: archive.semi_sync is true, but the server has no such plugin']);
  });
});

describe('the watch over a source', () => {
  it('tells each change once, and every commit that did not wait', () => {
    const lines: string[] = [];
    const log = pino({ base: null, timestamp: false }, { write: (line: string) => void lines.push(line) });
    const report = new SemiSyncReport(log);
    const states: (Partial<SemiSyncSource> | null)[] = [
      { unacknowledged: 7 }, // before this archiver came
      { unacknowledged: 7 },
      { active: false, unacknowledged: 8 },
      { active: false, unacknowledged: 20 },
      { unacknowledged: 20 },
      null,
    ];
    for (const state of states) report.see(state === null ? null : { ...GOOD, ...state });
    const told = lines.map((line) => JSON.parse(line) as { level: number; msg: string; commits?: number });
    const waits = 'commits on the source wait for the archive';
    const notWait = 'commits on the source do not wait for the archive: the loss window is not zero';
    const missed = 'commits on the source went on without waiting for the archive';
    expect(told.map(({ msg, commits }) => [msg, commits])).toEqual([
      [waits, undefined],
      [missed, 1],
      [notWait, undefined],
      [missed, 12],
      [waits, undefined],
      [notWait, undefined],
    ]);
  });
});
