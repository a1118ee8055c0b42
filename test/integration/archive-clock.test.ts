import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { currentLineage } from '../../src/archive/lineage.ts';
import { openRepository } from '../../src/archive/repository.ts';
import { acquireLock, readLock } from '../../src/platform/lock.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { archiveUntilCurrent, repositoryBeside, segmentsOf, startArchiver } from '../support/archiver.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

async function query(server: TestServer, sql: string): Promise<void> {
  await using connection = await server.connect();
  await connection.query(sql);
}

/** Only the wall clock is false; the servers' and the timers are true. */
describe('an archiver whose clock jumps', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('archives on while it runs, and its lock stays its own', async () => {
    await using server = await startPrimary();
    const path = repositoryBeside(server);
    await using archiver = startArchiver(server, path);
    for (const [n, time] of ['2036-01-01T00:00:00Z', '1999-12-31T23:59:59Z', '2026-11-22T10:00:00Z'].entries()) {
      vi.setSystemTime(time);
      await query(server, `CREATE DATABASE d${n}`);
      const isArchived = async (): Promise<boolean> => {
        const repository = await openRepository(path).catch(() => null);
        const segments = repository === null ? [] : await segmentsOf(path).catch(() => []); // before its first steps
        return (segments[0]?.bytes ?? 0) > 300 + 80 * n;
      };
      await waitFor(isArchived, { timeoutMs: 20_000, what: `d${n} in the archive` });
      const lock = (await openRepository(path)).archiverLockPath('shop');
      expect(await readLock(lock)).toMatchObject({ alive: true });
      await expect(acquireLock(lock, 'another')).rejects.toMatchObject({ code: 'LOCKED' });
    }
    const { gtid } = await archiver.stop();
    expect(gtid).toBe('0-101-3');
  });

  it('knows its newest lineage though an older one seems to have begun later', async () => {
    await using server = await startPrimary();
    const path = repositoryBeside(server);
    vi.setSystemTime('2036-01-01T00:00:00Z');
    await query(server, 'CREATE DATABASE a');
    const before = await archiveUntilCurrent(server, path);
    await query(server, 'RESET MASTER');
    await query(server, 'CREATE DATABASE b');
    vi.setSystemTime('2016-01-01T00:00:00Z');
    const after = await archiveUntilCurrent(server, path);
    expect(after.lineage).not.toBe(before.lineage);
    vi.setSystemTime('2026-01-01T00:00:00Z');
    await query(server, 'CREATE DATABASE c');
    expect(await archiveUntilCurrent(server, path)).toMatchObject({ lineage: after.lineage, gtid: '0-101-2' });
    const lineages = await (await openRepository(path)).lineages();
    expect(currentLineage(lineages, 'shop')?.id).toBe(after.lineage);
  });
});
