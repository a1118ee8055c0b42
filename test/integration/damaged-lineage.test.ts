import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { archiveUntilCurrent, repositoryBeside, silentLog } from '../support/archiver.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startPrimary } from '../support/servers.ts';

it('a lineage whose record is lost is archived again once its folder is out of the way, as the hint says', async () => {
  await using server = await startPrimary();
  const path = repositoryBeside(server);
  {
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await archiveUntilCurrent(server, path);
    await recordBackup(path, 'b1', await pointOf(server));
    await connection.query('CREATE TABLE shop.orders (id INT)');
  }
  const repository = await openRepository(path);
  const [lineage] = await repository.lineages();
  const folder = repository.lineageFolder(lineage?.id ?? '');
  await writeFile(join(folder, 'lineage.json'), '{"id": ');
  await expect(archiveUntilCurrent(server, path)).rejects.toMatchObject({
    code: 'REPOSITORY_UNREADABLE',
    hint: expect.stringContaining(`move the folder '${folder}' out of the repository, and keep it`) as string,
  });
  await rename(folder, join(path, '..', 'moved'));
  await archiveUntilCurrent(server, path);
  expect((await repository.lineages()).map(({ id }) => id)).toEqual([lineage?.id]);
  using archive = await openArchive(path, { log: silentLog });
  expect(await makePlan(archive, { kind: 'latest' })).toMatchObject({ backup: { id: 'b1' }, groups: 1, warnings: [] });
});
