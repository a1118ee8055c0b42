import { describe, expect, it } from 'vitest';
import { restoreText } from '../../../src/cli/output/restore-text.ts';
import type { RestoreResult } from '../../../src/operations/restore.ts';

function lastLines(pid: number | null, count: number): string[] {
  const result = {
    plan: { target: { resolved: { file: 'binlog.000003', position: 900, time: null, between: '' } }, warnings: [] },
    server: { datadir: '/srv/restored', socket: '/srv/restored/server.sock', port: 3307, pid },
    proof: { ok: true, checks: [], tables: [] },
    seconds: { load: 1, replay: 1, proof: 1, total: 3 },
    warnings: [],
  } as unknown as RestoreResult;
  return restoreText(result, (_, text) => text)
    .split('\n')
    .slice(-count);
}

describe('the text of a restore', () => {
  it('ends with how to look at a running server, stop it and start it again', () => {
    expect(lastLines(4711, 6)).toEqual([
      'To look at it, with the accounts of the primary:',
      '  mariadb --socket=/srv/restored/server.sock',
      'To stop it:',
      '  kill 4711',
      'To start it again:',
      '  mariadbd --defaults-file=/srv/restored/lastgood.cnf',
    ]);
  });

  it('ends with how to start a stopped one', () => {
    expect(lastLines(null, 2)).toEqual(['To start it:', '  mariadbd --defaults-file=/srv/restored/lastgood.cnf']);
  });
});
