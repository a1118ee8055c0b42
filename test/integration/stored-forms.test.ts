import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { readKeyRing } from '../../src/archive/key-ring.ts';
import { findMissingKeys, inspectKeyFile } from '../../src/operations/doctor/key-file.ts';
import { exportLogs } from '../../src/operations/export.ts';
import { listSegments } from '../../src/operations/lists.ts';
import { openArchive, rebuildArchiveCatalog } from '../../src/operations/open-archive.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { archiveUntilCurrent, segmentsOf, silentLog } from '../support/archiver.ts';
import { cmpMasked } from '../support/compare.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { keyFile } from '../support/stored-segment.ts';

let server: TestServer;
let repository: string;

beforeAll(async () => {
  server = await startPrimary();
  repository = join(server.directory, 'stored');
  await using connection = await server.connect();
  await connection.query('CREATE DATABASE shop');
  await connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY AUTO_INCREMENT, text LONGTEXT)');
});
afterAll(() => server[Symbol.asyncDispose]());

/** Some blocks' worth. */
async function write(): Promise<void> {
  await using connection = await server.connect();
  await connection.query('INSERT INTO shop.t (text) SELECT REPEAT(MD5(seq), 5000) FROM shop.seq_1_to_20');
}

/** One file, archived in two runs: what is stored begins anew in its middle. */
async function archiveAs(compression: 'none' | 'zstd', key: string | null): Promise<void> {
  const archive = { sync: 'group', semiSync: false, compression } as const;
  await write();
  await archiveUntilCurrent(server, repository, { archive, keyFile: key });
  await write();
  await using connection = await server.connect();
  await connection.query('FLUSH BINARY LOGS');
  await archiveUntilCurrent(server, repository, { archive, keyFile: key });
}

async function exportAll(key: string | null, out: string): Promise<string[]> {
  const { files } = await exportLogs({
    repository: await openRepository(repository, { keyFile: key }),
    ...{ name: 'shop', lineage: null, from: null, to: null, out, signal: new AbortController().signal },
  });
  return files.map(({ file }) => file);
}

it('keeps each file in the form that was configured when it was finished, and gives all of them back', async () => {
  await using folder = await makeTempDirectory('lastgood-forms-');
  const key = await keyFile(folder.path);
  const first = (await readKeyRing(key)).keys[0].id;
  await archiveAs('none', null);
  await archiveAs('zstd', null);
  await archiveAs('zstd', key);
  await archiveAs('none', key);
  await writeFile(key, `${'0123456789abcdef'.repeat(4)}\n`, { flag: 'a' });
  const second = (await readKeyRing(key)).keys.at(-1);
  await archiveAs('zstd', key);

  const segments = await segmentsOf(repository);
  const ends = segments.map(({ path }) => /binlog\.\d+(?:\.\w+)?$/.exec(path)?.[0]);
  const expected = [
    'binlog.000001',
    'binlog.000002.zst',
    'binlog.000003.enc',
    'binlog.000004.enc',
    'binlog.000005.enc',
  ];
  expect(ends.slice(0, 5)).toEqual(expected);
  const names = await readdir(join(repository, 'lineages', segments[0]?.lineage ?? ''));
  const others = names.filter((name) => !name.endsWith('.json')).sort();
  expect(others).toEqual([...expected, 'binlog.000006']);

  using archive = await openArchive(repository, { log: silentLog, keyFile: key });
  const listed = await listSegments(archive);
  const keyIds = listed.map(({ encryption }) => encryption?.keyId ?? null);
  expect(keyIds).toEqual([null, null, first, first, second?.id, null]);
  for (const { compression, bytes, storedBytes } of listed)
    if (compression === 'zstd') expect(storedBytes).toBeLessThan(bytes / 2);

  const out = join(folder.path, 'out');
  for (const file of await exportAll(key, out))
    expect(await cmpMasked(join(out, file), join(server.datadir, file))).toBeNull();
  await rebuildArchiveCatalog(repository, { log: silentLog, keyFile: key });
});

it('doctor names the keys that segments need and the key file does not hold', async () => {
  await using folder = await makeTempDirectory('lastgood-forms-');
  const wrong = await keyFile(folder.path);
  expect(await inspectKeyFile(wrong)).toEqual({ usable: wrong, findings: [] });
  const encrypted = (await segmentsOf(repository)).filter(({ path }) => path.endsWith('.enc'));
  const needed = new Set(encrypted.map(({ manifest }) => manifest?.encryption?.keyId ?? ''));
  const findings = await findMissingKeys(await openRepository(repository, { keyFile: wrong }));
  expect(findings).toMatchObject([...needed].map(() => ({ severity: 'error', check: 'key file', object: repository })));
  const found = findings.map((finding) => finding.found);
  expect(found[0]).toBe(
    `key ${encrypted[0]?.manifest?.encryption?.keyId ?? ''} is needed for 2 segments, the last one '${encrypted[1]?.path ?? ''}', but '${wrong}' does not hold it`,
  );
  await chmod(wrong, 0o644);
  expect(await inspectKeyFile(wrong)).toMatchObject({ usable: null, findings: [{ object: wrong, check: 'key file' }] });
});

it('tells which key is missing, and does not call the archive damaged', async () => {
  await using folder = await makeTempDirectory('lastgood-forms-');
  const wrong = await keyFile(folder.path);
  const needed = (await segmentsOf(repository)).find(({ path }) => path.endsWith('.enc'));
  const keyId = needed?.manifest?.encryption?.keyId ?? '';
  const has = (await readKeyRing(wrong)).keys[0].id;
  const expected = {
    code: 'KEY_MISSING',
    exitCode: 10,
    message: `segment '${needed?.path ?? ''}' is encrypted with key ${keyId}, but the key file '${wrong}' holds ${has}`,
  };
  await expect(exportAll(wrong, join(folder.path, 'out'))).rejects.toMatchObject(expected);
  await expect(rebuildArchiveCatalog(repository, { log: silentLog, keyFile: wrong })).rejects.toMatchObject(expected);
  await expect(rebuildArchiveCatalog(repository, { log: silentLog })).rejects.toMatchObject({
    code: 'KEY_MISSING',
    message: `segment '${needed?.path ?? ''}' is encrypted with key ${keyId}, but no key file is configured`,
  });
});

it('goes on archiving the present when the key of the past is gone, catalog too', async () => {
  await using connection = await server.connect();
  await rm(join(repository, 'catalog.sqlite'), { force: true });
  await connection.query('CREATE DATABASE after_the_key');
  await expect(archiveUntilCurrent(server, repository)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  const { gtid } = await archiveUntilCurrent(server, repository, { storesInClear: true });
  const [row] = await connection.query<{ gtid: string }>('SELECT @@gtid_binlog_pos AS gtid');
  expect(gtid).toBe(row?.gtid);
});
