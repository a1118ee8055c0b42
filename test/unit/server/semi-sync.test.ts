import { describe, expect, it } from 'vitest';
import type { ServerConnection } from '../../../src/server/connection.ts';
import { readSemiSync } from '../../../src/server/semi-sync.ts';

/** Answers as a server does that has these. */
function serverWith(variables: Record<string, string>, status: Record<string, string>): ServerConnection {
  const rows = (named: Record<string, string>): unknown[] =>
    Object.entries(named).map(([name, value]) => ({ Variable_name: name, Value: value }));
  const query = (sql: string): Promise<never> =>
    Promise.resolve(rows(sql.includes('VARIABLES') ? variables : status) as never);
  return { query } as unknown as ServerConnection;
}

describe('a source of semi-synchronous replicas', () => {
  it.each([
    ['MariaDB and MySQL before 8.0.26', 'master', 'slave'],
    ['MySQL from 8.0.26 on', 'source', 'replica'],
  ])('is read under the names of %s', async (_, word, replica) => {
    const server = serverWith(
      {
        [`rpl_semi_sync_${word}_enabled`]: 'ON',
        [`rpl_semi_sync_${word}_timeout`]: '10000',
        [`rpl_semi_sync_${word}_wait_for_${replica}_count`]: '2',
        [`rpl_semi_sync_${word}_wait_no_${replica}`]: 'ON',
        [`rpl_semi_sync_${word}_wait_point`]: 'AFTER_SYNC',
        [`rpl_semi_sync_${replica}_enabled`]: 'OFF',
      },
      {
        [`Rpl_semi_sync_${word}_clients`]: '1',
        [`Rpl_semi_sync_${word}_status`]: 'ON',
        [`Rpl_semi_sync_${word}_no_tx`]: '3',
      },
    );
    expect(await readSemiSync(server)).toEqual({
      ...{ word, enabled: true, timeoutMs: 10_000, waitPoint: 'AFTER_SYNC', waitsAlone: true },
      ...{ wanted: 2, clients: 1, active: true, unacknowledged: 3 },
    });
  });

  it('is none where the plugin is not there, or only the one of a replica', async () => {
    expect(await readSemiSync(serverWith({ rpl_semi_sync_replica_enabled: 'ON' }, {}))).toBeNull();
  });
});
