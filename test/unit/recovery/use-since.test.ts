import { describe, expect, it } from 'vitest';
import type { TargetFacts } from '../../../src/recovery/preflight/target-facts.ts';
import type { Marker } from '../../../src/recovery/restore-marker.ts';
import { useSince } from '../../../src/recovery/use-since.ts';

const marker = { note: { run: { serverId: 77 } }, borrowed: [], account: null } as unknown as Marker;

function use(found: Partial<TargetFacts> & { log?: string }): string | null {
  const variables = new Map([['gtid_binlog_state', found.log ?? '']]);
  return useSince(marker, { others: [], primaries: [], replicas: [], ...found, variables });
}

describe('the use of a server since a restore was killed there', () => {
  it('is none of what a restore itself leaves', () => {
    expect(use({})).toBeNull();
    expect(use({ primaries: ['127.0.0.1:40001'] })).toBeNull();
    expect(use({ log: '0-101-4711' })).toBeNull(); // the source's own, by log_slave_updates
    expect(
      useSince({ ...marker, note: null }, { others: [], primaries: [], replicas: [], variables: new Map() }),
    ).toBeNull();
  });

  it('is told by who it is, whom it replicates from, who replicates from it, and its own log', () => {
    const options = { name: 'primary', user: 'u', host: 'db1' };
    expect(use({ others: [{ options, isTarget: true } as TargetFacts['others'][number]] })).toContain(
      'it is the primary',
    );
    expect(use({ primaries: ['127.0.0.1:40001', 'db1:3306'] })).toBe('it is a replica of db1:3306 now');
    expect(use({ replicas: ['rep@db2:5000'] })).toContain('rep@db2:5000 reads its binary log');
    expect(use({ log: '0-101-4711,0-77-4712' })).toBe('somebody has written to the server since');
  });

  it('is told on MySQL by GTIDs of no group that the restore brings', () => {
    const [primary, replica, own] = ['3e', '7e', '9e'].map((start) => `${start}11fa47-71ca-11e1-9e33-c80aa9429562`);
    const plan = {
      target: { resolved: { gtidState: `${primary}:1-9` } },
      backup: { primary: { gtid: `${primary}:1-3,${replica}:1` } },
    };
    const none = { others: [], primaries: [], replicas: [] };
    const since = (executed: string, about: object = plan): string | null =>
      useSince({ ...marker, note: { ...marker.note, plan: about } } as Marker, {
        ...none,
        variables: new Map([['gtid_executed', executed]]),
      });
    expect(since('')).toBeNull();
    expect(since(`${primary}:1-7,\n${replica}:1`)).toBeNull();
    expect(since(`${primary}:1-9,${own}:1-2`)).toBe(
      `somebody has written to the server since: its gtid_executed has ${own}:1-2`,
    );
    expect(since(`${primary}:1-10`)).toContain(`${primary}:10`); // restored into the server that wrote the log
    // Without GTIDs a server does not tell.
    expect(since(`${own}:1`, { ...plan, target: { resolved: { gtidState: null } } })).toBeNull();
  });
});
