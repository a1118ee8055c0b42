import { describe, expect, it } from 'vitest';
import { handOverOf } from '../../../src/operations/hand-over.ts';
import type { Plan } from '../../../src/recovery/plan.ts';

const server = {
  kind: 'scratch',
  datadir: '/srv/restored',
  socket: '/srv/restored/server.sock',
  port: 3307,
  pid: 41,
  binaryLog: false,
  readOnly: false,
} as const;
const primary = { host: '10.0.0.5', port: 3306 };

function plan(o: { flavor?: string; gtidState: string | null; skipped?: string[]; kind?: string }): Plan {
  return {
    target: {
      ...(o.kind === 'before-incident' ? { kind: o.kind, incident: 'inc-1' } : { kind: 'latest' }),
      resolved: { file: 'binlog.000003', position: 900, gtidState: o.gtidState },
    },
    backup: { flavor: o.flavor ?? 'mariadb' },
    skipped: (o.skipped ?? []).map((gtid, index) => ({ id: `inc-${index}`, gtid, settledBy: null })),
  } as unknown as Plan;
}

function follow(o: Parameters<typeof plan>[0]): string[] {
  return handOverOf(plan(o), server, primary).follow.steps.map(({ run }) => run);
}

describe('commands to follow the primary', () => {
  it('go on from the state that the server has', () => {
    const steps = follow({ gtidState: '0-1-12' });
    expect(steps.join('\n')).not.toContain('gtid_slave_pos =');
    expect(steps).toContain(
      "CHANGE MASTER TO MASTER_HOST = '10.0.0.5', MASTER_PORT = 3306, MASTER_USER = '<user>', MASTER_PASSWORD = '<password>', MASTER_USE_GTID = slave_pos;",
    );
    expect(steps).toContain('START SLAVE;');
  });

  it('count what was skipped last as applied: the primary would send it', () => {
    expect(follow({ gtidState: '0-1-12,5-1-3', skipped: ['0-1-13', '5-1-2'] })[0]).toBe(
      "SET GLOBAL gtid_slave_pos = '0-1-13,5-1-3';",
    );
  });

  it('leave a position alone that is behind what was skipped', () => {
    expect(follow({ gtidState: '0-1-20', skipped: ['0-1-13'] })[0]).toBe('SET GLOBAL read_only = ON;');
  });

  it('put what was skipped into the set of MySQL', () => {
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
    const steps = follow({ flavor: 'mysql', gtidState: `${uuid}:1-4:6-9`, skipped: [`${uuid}:5`] });
    expect(steps.slice(0, 2)).toEqual(['RESET MASTER;', `SET GLOBAL gtid_purged = '${uuid}:1-9';`]);
    expect(steps.join('\n')).toContain('MASTER_AUTO_POSITION = 1');
  });

  it('use coordinates where there are no GTIDs', () => {
    expect(follow({ flavor: 'mysql', gtidState: '' }).join('\n')).toContain(
      "MASTER_LOG_FILE = 'binlog.000003', MASTER_LOG_POS = 900",
    );
  });

  it('first empty the log of a server that was there: it does not hold what was loaded', () => {
    const existing = { ...server, kind: 'existing', pid: null, binaryLog: true } as const;
    const commands = (of: Plan, on: typeof existing | typeof server = existing): string[] => {
      const { promote, follow: after } = handOverOf(of, on, primary);
      return [promote[0]?.run ?? '', after.steps[0]?.run ?? ''];
    };
    expect(commands(plan({ gtidState: '0-1-12' }))).toEqual(['RESET MASTER;', 'RESET MASTER;']);
    expect(commands(plan({ flavor: 'mysql', gtidState: '' }))).toEqual(['RESET MASTER;', 'RESET MASTER;']);
    // MySQL's log is its memory of what it has executed.
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
    expect(commands(plan({ flavor: 'mysql', gtidState: `${uuid}:1-4` })).join(' ')).not.toContain('RESET MASTER');
    const withoutLog = { ...existing, binaryLog: false } as unknown as typeof existing;
    expect(commands(plan({ gtidState: '0-1-12' }), withoutLog).join(' ')).not.toContain('RESET MASTER');
  });

  it('first bring it to the present without the incident that comes next', () => {
    const { mind, steps } = handOverOf(plan({ gtidState: '0-1-12', kind: 'before-incident' }), server, primary).follow;
    expect(mind).toContain('would do it again');
    expect(steps.map(({ run }) => run)).toEqual([
      'lastgood restore --resume --datadir /srv/restored --latest --skip inc-1',
    ]);
  });

  it('are words of a shell also where the folder is none', () => {
    const spaced = { ...server, datadir: '/srv/my restore', socket: '/srv/my restore/server.sock' };
    const { promote, follow: after } = handOverOf(
      plan({ gtidState: '0-1-12', kind: 'before-incident' }),
      spaced,
      primary,
    );
    const runs = [...promote, ...after.steps].map(({ run }) => run).join('\n');

    expect(runs).toContain(">> '/srv/my restore/lastgood.cnf'");
    expect(runs).toContain(
      "--defaults-file='/srv/my restore/lastgood.cnf' & mariadb-admin --socket='/srv/my restore/server.sock'",
    );
    expect(runs).toContain("--datadir '/srv/my restore' --latest");
  });

  it('leave the place of the primary open where nobody said it', () => {
    const { steps } = handOverOf(plan({ gtidState: '0-1-12' }), server, {}).follow;
    expect(steps.map(({ run }) => run).join('\n')).toContain("MASTER_HOST = '<host>', MASTER_PORT = <port>");
  });

  it('say of skip_slave_start only what is so: the option file of a server that was there is not ours', () => {
    const last = (kind: 'scratch' | 'existing'): string => {
      const { steps } = handOverOf(plan({ gtidState: '0-1-12' }), { ...server, kind }, primary).follow;
      return steps.find(({ run }) => run === 'START SLAVE;')?.say ?? '';
    };
    expect(last('scratch')).toMatch(/^Its option file has skip_slave_start/);
    expect(last('existing')).toMatch(/unless its option file has skip_slave_start/);
  });
});

describe('commands to take the place of the primary', () => {
  const promote = (of: Partial<typeof server> | { readOnly: true } | { pid: null }): string[] =>
    handOverOf(plan({ gtidState: '0-1-12' }), { ...server, ...of }, primary).promote.map(({ run }) => run);

  it('wait for the end of the server, and until it answers again', () => {
    expect(promote({}).slice(0, 3)).toEqual([
      'kill 41; while kill -0 41 2> /dev/null; do sleep 1; done',
      expect.stringMatching(/^printf .* >> \/srv\/restored\/lastgood\.cnf$/),
      'mariadbd --defaults-file=/srv/restored/lastgood.cnf & mariadb-admin --socket=/srv/restored/server.sock --wait=30 ping',
    ]);
    expect(promote({ pid: null })[0]).toMatch(/^printf /);
  });

  it('allow writes only where they are not allowed yet', () => {
    expect(promote({ readOnly: true })).toContain('SET GLOBAL read_only = OFF;');
    expect(promote({})).not.toContain('SET GLOBAL read_only = OFF;');
    expect(promote({})).toContain('SELECT @@GLOBAL.read_only;');
  });
});
