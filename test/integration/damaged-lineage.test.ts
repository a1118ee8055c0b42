import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { verify } from '../../src/operations/verify.ts';
import { archiveUntilCurrent, repositoryBeside, segmentsOf, silentLog } from '../support/archiver.ts';
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

it('a damaged manifest of an old file keeps nothing from being archived, and is told until it is put back', async () => {
  await using server = await startPrimary();
  await using connection = await server.connect();
  const path = repositoryBeside(server);
  const zstd = { archive: { sync: 'group', semiSync: false, compression: 'zstd' } } as const;
  for (const name of ['a', 'b', 'c']) {
    await connection.query(`CREATE DATABASE ${name}`);
    await connection.query('FLUSH BINARY LOGS');
  }
  await archiveUntilCurrent(server, path, zstd);
  const [lineage] = await (await openRepository(path)).lineages();
  const manifest = join((await openRepository(path)).lineageFolder(lineage?.id ?? ''), 'binlog.000002.json');
  const text = await readFile(manifest, 'utf8');
  await writeFile(manifest, text.slice(1));
  for (const name of ['d', 'e']) {
    await connection.query(`CREATE DATABASE ${name}`);
    await connection.query('FLUSH BINARY LOGS');
    const { warnings, segmentsSealed } = await archiveUntilCurrent(server, path, zstd);
    expect(segmentsSealed).toBe(1);
    expect(warnings).toEqual([
      expect.stringContaining(`nothing of binlog.000002 can be used: cannot read '${manifest}'`),
    ]);
  }
  await writeFile(manifest, text);
  expect((await archiveUntilCurrent(server, path, zstd)).warnings).toEqual([]);
  expect((await segmentsOf(path)).map(({ file }) => file.slice(-1)).join('')).toBe('123456');
  const verified = await verify({ repositoryPath: path, keyFile: null, since: null, backups: true, jobs: 1 });
  expect(verified.findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
});
