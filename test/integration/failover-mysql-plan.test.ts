import { expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { takeBackup } from '../../src/operations/backup.ts';
import { listIncidents } from '../../src/operations/incidents.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore } from '../../src/operations/restore.ts';
import { archiveUntilCurrent, repositoryBeside, silentLog } from '../support/archiver.ts';
import { startPair } from '../support/pair.ts';
import { startMysql56, type TestServer } from '../support/servers.ts';
import { settingsFor } from '../support/settings.ts';

async function statements(server: TestServer, ...texts: string[]): Promise<void> {
  await using connection = await server.connect();
  for (const text of texts) await connection.query(text);
}

it('a plan crosses a failover of MySQL by its GTID sets, and a restore runs through both logs', async () => {
  await using pair = await startPair({ flavor: 'mysql' });
  const { primary, replica } = pair;
  const repository = repositoryBeside(primary);
  await statements(primary, 'CREATE DATABASE shop', 'CREATE TABLE shop.orders (id INT PRIMARY KEY)');
  await archiveUntilCurrent(primary, repository);
  await pair.caughtUp();
  const settings = settingsFor(pair, repository);
  const record = await takeBackup({ settings, repository: await openRepository(repository), log: silentLog });
  await statements(primary, 'INSERT INTO shop.orders VALUES (1)', 'FLUSH LOGS', 'INSERT INTO shop.orders VALUES (2)');
  await pair.caughtUp();
  await statements(replica, 'STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = 0');
  await statements(primary, 'INSERT INTO shop.orders VALUES (99)');
  await archiveUntilCurrent(primary, repository);
  await statements(replica, 'INSERT INTO shop.orders VALUES (3)', 'DROP DATABASE shop');
  await archiveUntilCurrent(replica, repository);
  using archive = await openArchive(repository, { log: silentLog });
  const [drop] = listIncidents(archive, { kind: 'drop-database' });
  const made = await makePlan(archive, { kind: 'before-incident', incident: drop?.id ?? '' }, { name: 'shop' });
  const [old, young] = archive.catalog.lineages();
  expect(made.backup.id).toBe(record.id);
  expect(made.groups).toBe(3);
  expect(made.crossings).toEqual([
    { from: old?.id, to: young?.id, gtidState: young?.handOver?.gtidState, stranded: 1 },
  ]);

  await using target = await startMysql56({ serverId: 900 });
  const into = { kind: 'existing', server: target.serverOptions('target'), others: [] } as const;
  const { proof } = await restore(archive, { plan: made, into, log: silentLog });
  expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
  await using root = await target.connect();
  expect(await root.query('SELECT id FROM shop.orders ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
});
