import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveToTheLastByte, archiveUntilCurrent, repositoryBeside, startArchiver } from '../support/archiver.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';
import { filesBelow, verifyAt } from '../support/verify-scene.ts';
import { startWorkload } from '../support/workload.ts';

const WITHOUT_GTIDS = ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF', '--binlog-checksum=NONE'];
const ZSTD = { sync: 'group', semiSync: false, compression: 'zstd' } as const;

/** Bits of an archive's files are flipped one after the other, and put back. @param except a file's name */
async function expectFlipsFound(repository: string, rounds: number, except: string | null = null): Promise<void> {
  const seed = chooseSeed();
  const random = seededRandom(seed);
  const files = (await filesBelow(repository)).filter((path) => except === null || !path.endsWith(except));
  for (let round = 0; round < rounds; round += 1) {
    const path = files[Math.floor(random() * files.length)] ?? '';
    const bytes = await readFile(join(repository, path));
    const at = Math.floor(random() * bytes.length);
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    await writeFile(join(repository, path), changed);
    const { findings } = await verifyAt(repository);
    await writeFile(join(repository, path), bytes);
    const named = findings.filter(({ severity, object }) => severity === 'error' && object === path);
    expect(named.length, `LASTGOOD_SEED=${seed}: byte ${at} of ${path}`).toBeGreaterThan(0);
  }
}

describe('verify of a MariaDB archive', () => {
  it('finds nothing while the archiver writes, rotates and seals, and nothing after it (peers 26: false alarms)', async () => {
    await using server = await startPrimary();
    const repository = repositoryBeside(server);
    await using archiver = startArchiver(server, repository, { archive: ZSTD });
    await using workload = await startWorkload(() => server.connect(), { writers: 1 });
    const isBegun = async (): Promise<boolean> =>
      (await filesBelow(repository).catch(() => [])).some((path) => path.endsWith('.000001'));
    await waitFor(isBegun, { timeoutMs: 20_000, what: 'the first segment' });
    await using connection = await server.connect();
    for (let round = 0; round < 5; round += 1) {
      await connection.query('FLUSH BINARY LOGS');
      const { findings } = await verifyAt(repository);
      expect(findings, `round ${round}`).toEqual([]);
    }
    await workload.stop();
    await archiver.stop();
    // A checkpoint event that comes after the archiver's end would move the backup's place behind it.
    await archiveToTheLastByte(server, repository, { archive: ZSTD });
    await recordBackup(repository, 'b1', await pointOf(server));
    const { findings, summary } = await verifyAt(repository, { jobs: 2 });
    expect(findings).toEqual([]);
    expect(summary.segments).toBeGreaterThanOrEqual(6);
    expect(summary).toMatchObject({ backups: 1, errors: 0, warnings: 0, infos: 0 });
    await expectFlipsFound(repository, 8);
  });
});

describe('verify of a MySQL archive', () => {
  it.each([
    { name: 'with GTIDs', args: [], checksums: true },
    { name: 'without GTIDs and checksums', args: WITHOUT_GTIDS, checksums: false },
  ])('$name finds nothing where nothing is wrong, and any flipped bit', async ({ args, checksums }) => {
    await using server = await startMysql56({ args });
    const repository = repositoryBeside(server);
    await writeLog(server);
    await archiveUntilCurrent(server, repository);
    const { findings, summary } = await verifyAt(repository);
    expect(findings).toEqual([]);
    expect(summary).toMatchObject({ segments: 4 });
    expect(summary.groups).toBeGreaterThanOrEqual(8);
    // Nothing tells of a changed byte in an open file without checksums: it is not hashed yet.
    await expectFlipsFound(repository, 6, checksums ? null : 'binlog.000004');
  });
});

/** Four files; the last one stays open. */
async function writeLog(server: TestServer): Promise<void> {
  await using connection: ServerConnection = await server.connect();
  await connection.query('CREATE DATABASE shop');
  await connection.query('CREATE TABLE shop.orders (id INT PRIMARY KEY, note TEXT) ENGINE=InnoDB');
  for (let number = 1; number <= 6; number += 1) {
    await connection.query(`INSERT INTO shop.orders VALUES (${number}, REPEAT('x', ${number * 50}))`);
    if (number % 2 === 0) await connection.query('FLUSH LOGS');
  }
}
