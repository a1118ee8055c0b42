import { describe, expect, it } from 'vitest';
import { waitFor } from '../../src/platform/wait.ts';
import { listBinaryLogs, readBinlogEnd, gtidStateAt } from '../../src/server/binary-logs.ts';
import { readServerFacts } from '../../src/server/facts.ts';
import { readReplicaStatus, startApplying, stopApplying } from '../../src/server/replica-status.ts';
import { checksums } from '../support/compare.ts';
import { startPair } from '../support/pair.ts';
import { startWorkload, isWhole } from '../support/workload.ts';

describe.each([
  { flavor: 'mariadb', mode: 'gtid' },
  { flavor: 'mariadb', mode: 'position' },
  { flavor: 'mysql', mode: 'gtid' },
  { flavor: 'mysql', mode: 'position' },
] as const)('a $flavor pair in $mode mode', (options) => {
  it('replicates a workload, and its status tells where it stands', async () => {
    await using pair = await startPair(options);
    const workload = await startWorkload(() => pair.primary.connect());
    await using primary = await pair.primary.connect();
    await using replica = await pair.replica.connect();
    await waitFor(() => workload.committed >= 200, { timeoutMs: 30_000, what: '200 transactions' });
    await workload.stop();
    await pair.caughtUp();

    expect(await checksums(replica)).toEqual(await checksums(primary));
    expect(await isWhole(replica, 'shop')).toBe(true);
    const end = await readBinlogEnd(primary);
    const status = await readReplicaStatus(replica);
    expect(status).toMatchObject({
      ioRunning: true,
      sqlRunning: true,
      primaryServerId: 101,
      primaryPort: pair.primary.port,
      executed: end.coordinates,
      usingGtid: options.mode === 'gtid',
      gtidApplied: end.gtidState,
      lagSeconds: 0,
      lastError: null,
      filters: [],
      openTempTables: 0,
    });
    expect((await listBinaryLogs(primary)).at(-1)).toEqual({
      file: end.coordinates.file,
      bytes: end.coordinates.position,
    });
    expect(await gtidStateAt(primary, end.coordinates)).toBe(options.flavor === 'mysql' ? null : end.gtidState);

    await stopApplying(replica);
    expect(await readReplicaStatus(replica)).toMatchObject({ ioRunning: true, sqlRunning: false });
    await startApplying(replica);
    expect(await readReplicaStatus(replica)).toMatchObject({ ioRunning: true, sqlRunning: true });
  });

  it('tells its facts', async () => {
    await using pair = await startPair(options);
    await using replica = await pair.replica.connect();
    const facts = await readServerFacts(replica);
    expect(facts).toMatchObject({
      flavor: options.flavor,
      serverId: 102,
      logBin: true,
      binlogFormat: 'ROW',
      readOnly: true,
    });
    expect(Math.abs(facts.clockSkewSeconds)).toBeLessThan(2);
    expect(facts.logSlaveUpdates).toBe(true);
  });
});
