import { describe, expect, it } from 'vitest';
import type { LastgoodError } from '../../../src/platform/errors.ts';
import { cannotGoOn, holdsRestore } from '../../../src/recovery/holds-restore.ts';
import type { TargetFacts } from '../../../src/recovery/preflight/target-facts.ts';
import type { Marker } from '../../../src/recovery/restore-marker.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

const keeper = { options: { name: 'target', user: 'root', socket: '/run/s' } } as unknown as ServerConnection;
const borrowed = [{ name: 'sync_binlog', was: '1', during: '0' }];

function marker(phase: string): Marker {
  const note = { phase, plan: {}, run: { engine: 'applier', serverId: 77 } };
  return { note, borrowed, account: "'lastgood-0a1b2c'@'localhost'" } as unknown as Marker;
}

function facts(serverId: number, primaries: readonly string[] = []): TargetFacts {
  const variables = new Map([
    ['server_id', String(serverId)],
    ['gtid_slave_pos', '0-1-12'],
  ]);
  const alive = { others: [], primaries, replicas: [] };
  return { flavor: 'mariadb', variables, schemas: ['shop'], accounts: [], ...alive } as unknown as TargetFacts;
}

describe('what is said of a server that holds a restore', () => {
  it('names --resume only where that can go on, and always what empties the server', () => {
    const can = holdsRestore(keeper, facts(77), marker('replaying'));
    const cannot = holdsRestore(keeper, facts(500), marker('replaying'));
    expect(can.hint).toMatch(/^`lastgood restore --resume --server FILE` goes on with it\. It was empty before\./);
    expect(cannot.hint).toMatch(/^It was empty before\./);
    for (const { message, details } of [can, cannot]) {
      expect(message).toBe('the target (root@/run/s) holds an interrupted restore (replaying)');
      expect(details['cleanup']).toContain('DROP DATABASE `shop`;');
    }
  });

  it('says why one cannot go on', () => {
    expect(cannotGoOn(keeper, facts(500), { marker: marker('proving'), why: 'it rained' }).message).toBe(
      'the target (root@/run/s) holds an interrupted restore (proving), which cannot go on: it rained',
    );
  });

  it('never tells how to empty one that holds a proven restore', () => {
    const refusals = [
      holdsRestore(keeper, facts(77), marker('proven')),
      holdsRestore(keeper, facts(500), marker('proven')),
      cannotGoOn(keeper, facts(500), { marker: marker('proven'), why: 'its settings were put back' }),
    ];
    for (const { message, hint, details } of refusals) {
      expect(message).toMatch(/^the target \(root@\/run\/s\) holds a proven restore that was not handed over/);
      expect(details['finish']).toContain('SET GLOBAL sync_binlog = 1;\nDROP USER IF EXISTS');
      expect(hint).toMatch(/To take it as it is, run there: .*SET GLOBAL sync_binlog = 1; DROP USER IF EXISTS/);
      expect(hint + JSON.stringify(details)).not.toContain('DROP DATABASE');
    }
    expect(refusals.map(({ hint }) => hint.includes('--resume'))).toEqual([true, false, false]);
    const whys = refusals.map(({ message }) => /cannot be proven again: (.*)/.exec(message)?.[1] ?? null);
    expect(whys).toEqual([
      null,
      expect.stringContaining('the server was started anew since'),
      'its settings were put back',
    ]);
  });

  it('never tells how to empty one that somebody uses by now', () => {
    const used = facts(77, ['db1:3306']);
    const refusals = [
      holdsRestore(keeper, used, marker('replaying')),
      holdsRestore(keeper, used, marker('loading')),
      cannotGoOn(keeper, used, { marker: marker('failed'), why: 'its proof failed' }),
    ];
    for (const { hint, details } of refusals) {
      expect(hint).toMatch(/^Somebody uses it: give another server\. .*SET GLOBAL sync_binlog = 1;/);
      expect(hint + JSON.stringify(details)).not.toMatch(/DROP DATABASE|STOP ALL SLAVES|RESET/);
    }
    expect(refusals[0]?.message).toContain('which cannot go on: it is a replica of db1:3306 now');
  });

  it('tells of the appliers apart where it is a replica, which takes no other number of them', () => {
    const more = { name: 'slave_parallel_threads', was: '4', during: '0' };
    const holds = (phase: string, primaries: string[]): LastgoodError =>
      holdsRestore(keeper, facts(77, primaries), { ...marker(phase), borrowed: [...borrowed, more] });
    for (const { hint, details } of [holds('replaying', ['db1:3306']), holds('proven', ['db1:3306'])]) {
      expect(details['finish']).not.toContain('slave_parallel_threads');
      expect(hint).toMatch(
        /mysql\.lastgood_restore; Once it does not replicate: SET GLOBAL slave_parallel_threads = 4;$/,
      );
    }
    const { hint, details } = holds('proven', []);
    expect(details['finish']).toContain('SET GLOBAL slave_parallel_threads = 4;\nSET GLOBAL sync_binlog = 1;');
    expect(hint).not.toContain('Once');
  });
});
