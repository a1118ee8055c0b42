import { describe, expect, it } from 'vitest';
import { restoreText } from '../../../src/cli/output/restore-text.ts';
import type { HandOver } from '../../../src/operations/hand-over.ts';
import type { RestoreResult } from '../../../src/operations/restore.ts';

const handOver: HandOver = {
  promote: [{ say: 'Stop it.', where: 'shell', run: 'kill 4711' }],
  follow: {
    gtidState: '0-1-13',
    mind: 'it has what was dropped',
    steps: [{ say: 'Why.', where: 'server', run: "SET GLOBAL gtid_slave_pos = '0-1-13';" }],
  },
};

/** How many lines the hand-over takes. */
const HAND_OVER = 7;

function resultOf(pid: number | null): RestoreResult {
  const resolved = { file: 'binlog.000003', position: 900, time: null, between: '' };
  return {
    plan: { target: { resolved }, groups: 9, warnings: [] },
    server: { datadir: '/srv/restored', socket: '/srv/restored/server.sock', port: 3307, pid },
    proof: { ok: true, checks: [], tables: [] },
    seconds: { load: 1, replay: 1, proof: 1, total: 3 },
    ...{ appliers: null, warnings: [], handOver, report: null, resumed: null },
  } as unknown as RestoreResult;
}

/** Before those of the hand-over. */
function lastLines(pid: number | null, count: number): string[] {
  return restoreText(resultOf(pid), (_, text) => text)
    .split('\n')
    .slice(-count - HAND_OVER, -HAND_OVER);
}

describe('the text of a restore', () => {
  it('tells how to look at a running server, stop it and start it again', () => {
    expect(lastLines(4711, 6)).toEqual([
      'To look at it, with the accounts of the primary:',
      '  mariadb --socket=/srv/restored/server.sock',
      'To stop it:',
      '  kill 4711',
      'To start it again:',
      '  mariadbd --defaults-file=/srv/restored/lastgood.cnf',
    ]);
  });

  it('tells it in words of a shell', () => {
    const result = resultOf(null);
    const server = { ...result.server, datadir: '/srv/my restore', socket: '/srv/my restore/server.sock' };
    const shown = (pid: number | null): string =>
      restoreText({ ...result, server: { ...server, pid } }, (_, text) => text);

    expect(shown(null)).toContain("  mariadbd --defaults-file='/srv/my restore/lastgood.cnf'\n");
    expect(shown(4711)).toContain("  mariadb --socket='/srv/my restore/server.sock'\n");
  });

  it('of a server that was there tells what was set and put back, and starts and stops nothing', () => {
    const result = {
      plan: { target: { resolved: { file: 'binlog.000003', position: 900, time: null, between: '' } }, warnings: [] },
      server: { kind: 'existing', datadir: '/var/lib/mysql/', socket: '/run/mysqld.sock', port: 3306, pid: null },
      proof: { ok: true, checks: [], tables: [] },
      seconds: { load: 1, replay: 1, proof: 1, total: 3 },
      ...{ warnings: [], handOver, report: null, resumed: null },
      appliers: { used: 1, configured: 4, why: '2 cores' },
      borrowed: [
        { name: 'sync_binlog', was: '1', during: '0' },
        { name: 'server_id', was: '500', during: '3000000001' },
      ],
    } as unknown as RestoreResult;

    const text = restoreText(result, (_, words) => words);

    expect(text).toMatch(/replayed by +1 applier of 4: 2 cores\n/);
    expect(restoreText({ ...result, appliers: null }, (_, words) => words)).toMatch(/replayed by +a session\n/);
    expect(text).toContain('the one that was there, in /var/lib/mysql/');
    expect(text).toMatch(/set and put back +sync_binlog, server_id\n/);
    expect(text.split('\n').slice(-2 - HAND_OVER, -HAND_OVER)).toEqual([
      'To look at it, with the accounts of the primary:',
      '  mariadb --socket=/run/mysqld.sock',
    ]);
  });

  it('tells what can be made of it, as lines for a shell', () => {
    expect(
      restoreText(resultOf(4711), (_, words) => words)
        .split('\n')
        .slice(-HAND_OVER),
    ).toEqual([
      'To let it take the place of the primary (nothing of it is done):',
      '  # Stop it.',
      '  kill 4711',
      'To make it a replica of the primary instead:',
      '  # Mind: it has what was dropped',
      '  # Why.',
      `  mariadb --socket=/srv/restored/server.sock -e "SET GLOBAL gtid_slave_pos = '0-1-13';"`,
    ]);
  });

  it('gives no program a password as its argument, which everybody could read', () => {
    const run = "CHANGE MASTER TO MASTER_USER = '<user>', MASTER_PASSWORD = '<password>';";
    const steps = [{ say: 'Why.', where: 'server' as const, run }];
    const text = restoreText(
      { ...resultOf(4711), handOver: { ...handOver, follow: { ...handOver.follow, steps } } },
      (_, words) => words,
    );
    expect(text).toContain(`  printf '%s' "${run}" | mariadb --socket=/srv/restored/server.sock`);
  });

  it('leads to a server on another machine as the restore came there', () => {
    const result = resultOf(null);
    const reached = { host: 'db2', port: 3317 };
    const server = { ...result.server, kind: 'existing' as const, reached };
    const text = restoreText({ ...result, server, appliers: null, borrowed: [] }, (_, words) => words);
    expect(text).toContain('\n  mariadb --protocol=tcp --host=db2 --port=3317\n');
    expect(text).toContain('\n  mariadb --protocol=tcp --host=db2 --port=3317 -e "SET');
    expect(text).not.toContain('mariadb --socket');
  });

  it('of a resumed one tells what was there, or why it was not used', () => {
    const text = (resumed: RestoreResult['resumed']): string =>
      restoreText({ ...resultOf(4711), resumed }, (_, words) => words);
    expect(text({ groups: 3, anew: null })).toMatch(/^resumed +3 transactions of 9 were there$/m);
    expect(text({ groups: 0, anew: 'it was loading' })).toMatch(
      /^resumed +the backup was loaded again: it was loading$/m,
    );
  });

  it('tells how to start a stopped one', () => {
    expect(lastLines(null, 2)).toEqual(['To start it:', '  mariadbd --defaults-file=/srv/restored/lastgood.cnf']);
  });
});
