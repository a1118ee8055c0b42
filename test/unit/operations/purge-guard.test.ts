import { describe, expect, it } from 'vitest';
import type { HandOver } from '../../../src/archive/lineage.ts';
import { guardFindings, purgeGuard, type PurgeGuard } from '../../../src/operations/purge-guard.ts';
import { logExpiry, type LogExpiry } from '../../../src/server/log-expiry.ts';

const HOUR = 3600;
const GIB = 1024 ** 3;
const NOW = 1_800_000_000;

const file = (number: number): string => `binlog.${String(number).padStart(6, '0')}`;

const HAND_OVER: HandOver = {
  gtidState: '0-1-5',
  parent: { file: file(9), position: 400 },
  child: { file: file(3), position: 500 },
  stranded: 0,
};

const NEVER: LogExpiry = { seconds: 0, variable: 'binlog_expire_logs_seconds', maxTotalBytes: 0 };

/** A source with files `numbers` of 1 GiB each. */
function guard(o: {
  numbers: readonly number[];
  sealed: readonly number[];
  handOver?: HandOver;
  expiry?: Partial<LogExpiry>;
  finishedAt?: number;
}): PurgeGuard {
  return purgeGuard({
    logs: o.numbers.map((number) => ({ file: file(number), bytes: GIB })),
    archived: {
      lineage: { firstFile: file(3), handOver: o.handOver ?? null },
      isSealed: (name) => o.sealed.map(file).includes(name),
    },
    expiry: { ...NEVER, ...o.expiry },
    finishedAt: o.finishedAt ?? null,
    now: NOW,
  });
}

function findings(reading: PurgeGuard): string[] {
  const expiry = { ...NEVER, seconds: reading.expireSeconds, maxTotalBytes: reading.limitBytes };
  return guardFindings(reading, { expiry, object: 'shop' }).map(({ severity, found }) => `${severity}: ${found}`);
}

describe('the safe purge point (peers 16: kubeblocks-addons #3087)', () => {
  it('is the first file that is not sealed: all before it may go', () => {
    expect(guard({ numbers: [3, 4, 5, 6], sealed: [3, 4] })).toMatchObject({ safeTo: file(5), oldestNeeded: file(5) });
  });

  it('stops at an older file that is not archived, whatever is sealed behind it: purging is by prefix', () => {
    expect(guard({ numbers: [3, 4, 5, 6], sealed: [3, 5, 6] })).toMatchObject({ safeTo: file(4) });
    expect(guard({ numbers: [2, 3, 4, 5], sealed: [3, 4] })).toMatchObject({ safeTo: null, oldestNeeded: file(2) });
  });

  it('never is the file that the source writes to', () => {
    expect(guard({ numbers: [3, 4], sealed: [3, 4] })).toMatchObject({ safeTo: file(4) });
    expect(guard({ numbers: [4], sealed: [3, 4] })).toMatchObject({ safeTo: null });
  });

  it('counts what lies before a hand-over as archived: the parent has it', () => {
    expect(guard({ numbers: [1, 2, 3, 4], sealed: [3], handOver: HAND_OVER })).toMatchObject({ safeTo: file(4) });
    expect(guard({ numbers: [1, 2, 3, 4], sealed: [3] })).toMatchObject({ safeTo: null });
  });

  it('knows names by their numbers, also over six digits', () => {
    const reading = guard({ numbers: [999_999, 1_000_000, 1_000_001], sealed: [999_999] });
    expect(reading.safeTo).toBe('binlog.1000000');
  });
});

describe('the purge guard (peers 29: pyxbackup #35, peers 34: vitess #9721)', () => {
  const waiting = { numbers: [3, 4, 5], sealed: [3], expiry: { seconds: 10 * HOUR } };

  it.each([
    [4, []],
    [
      6,
      [
        'warning: binlog.000004 is not archived whole, and goes in 4 h: the primary keeps files for 10 h (binlog_expire_logs_seconds)',
      ],
    ],
    [
      9.5,
      [
        'error: binlog.000004 is not archived whole, and goes in 30 min: the primary keeps files for 10 h (binlog_expire_logs_seconds)',
      ],
    ],
    [
      11,
      [
        'error: binlog.000004 is not archived whole, and goes at the next rotation: the primary keeps files for 10 h (binlog_expire_logs_seconds)',
      ],
    ],
  ])('tells of a file that was finished %s hours ago', (hours, expected) => {
    const reading = guard({ ...waiting, finishedAt: NOW - hours * HOUR });
    expect(reading.secondsLeft).toBe((10 - hours) * HOUR);
    expect(findings(reading)).toEqual(expected);
  });

  it('is silent where files never expire, and about the file in use', () => {
    expect(findings(guard({ ...waiting, expiry: {}, finishedAt: NOW - 100 * HOUR }))).toEqual([]);
    expect(findings(guard({ ...waiting, sealed: [3, 4] }))).toEqual([]);
  });

  it.each([
    [10, []],
    [3, ['warning: binlog.000004 is not archived whole, and goes after 1 GiB more: the primary keeps 3 GiB of files']],
    [
      2,
      ['error: binlog.000004 is not archived whole, and goes at the next rotation: the primary keeps 2 GiB of files'],
    ],
  ])('tells of a limit of %i GiB for all files together', (limit, expected) => {
    const reading = guard({ ...waiting, expiry: { maxTotalBytes: limit * GIB } });
    expect(reading).toMatchObject({ limitBytes: limit * GIB, bytesLeft: (limit - 2) * GIB, secondsLeft: null });
    expect(findings(reading)).toEqual(expected);
  });

  it('names the statement that stops the expiry', () => {
    const reading = guard({ ...waiting, finishedAt: NOW - 9 * HOUR });
    const expiry = { ...NEVER, variable: 'expire_logs_days', seconds: 10 * HOUR };
    expect(guardFindings(reading, { expiry, object: 'shop' })[0]?.fix).toContain('SET GLOBAL expire_logs_days = 0;');
  });
});

describe('logExpiry', () => {
  const seconds = { seconds: 3600, variable: 'binlog_expire_logs_seconds', maxTotalBytes: 0 };

  it.each([
    ['MySQL 5.6', { expire_logs_days: '7' }, { ...seconds, seconds: 604_800, variable: 'expire_logs_days' }],
    ['MySQL 5.6 that keeps all', { expire_logs_days: '0' }, { ...seconds, seconds: 0, variable: 'expire_logs_days' }],
    ['MySQL 8', { binlog_expire_logs_seconds: '3600', expire_logs_days: '0' }, seconds],
    ['MySQL 8.4', { binlog_expire_logs_seconds: '3600', binlog_expire_logs_auto_purge: 'ON' }, seconds],
    [
      'MySQL 8.4 told not to purge',
      { binlog_expire_logs_seconds: '3600', binlog_expire_logs_auto_purge: 'OFF' },
      { ...seconds, seconds: 0, variable: 'binlog_expire_logs_auto_purge' },
    ],
    ['MariaDB 10.11', { binlog_expire_logs_seconds: '3600', expire_logs_days: '0.041667' }, seconds],
    [
      'MariaDB 10.11 that keeps all',
      { binlog_expire_logs_seconds: '0', expire_logs_days: '0.000000' },
      { ...seconds, seconds: 0 },
    ],
    [
      'MariaDB 11.4',
      { binlog_expire_logs_seconds: '3600', max_binlog_total_size: '1024' },
      { ...seconds, maxTotalBytes: 1024 },
    ],
    [
      'Percona Server',
      { binlog_expire_logs_seconds: '3600', binlog_space_limit: '2048' },
      { ...seconds, maxTotalBytes: 2048 },
    ],
  ])('reads %s', (_server, variables, expected) => {
    expect(logExpiry(new Map(Object.entries(variables)))).toEqual(expected);
  });
});
