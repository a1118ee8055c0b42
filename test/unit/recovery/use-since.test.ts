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
});
