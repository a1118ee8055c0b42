import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { parseCoordinates } from '../../src/binlog/coordinates.ts';
import { exportLogs, type ExportedFile } from '../../src/operations/export.ts';
import { scan } from '../../src/operations/scan.ts';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { archiveUntilCurrent, repositoryBeside, segmentsOf } from '../support/archiver.ts';
import { cmpMasked } from '../support/compare.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { filesBelow } from '../support/verify-scene.ts';

let server: TestServer;

beforeEach(async () => {
  server = await startPrimary();
  await using connection = await server.connect();
  for (const name of ['a', 'b', 'c']) {
    await connection.query(`CREATE DATABASE ${name}`);
    await connection.query(`CREATE TABLE ${name}.t (id INT PRIMARY KEY)`);
    await connection.query('FLUSH BINARY LOGS');
  }
  await archiveUntilCurrent(server, repositoryBeside(server));
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

async function run(
  range: { from?: string; to?: string; lineage?: string; out?: string } = {},
): Promise<ExportedFile[]> {
  const place = (text: string | undefined) => (text === undefined ? null : parseCoordinates(text));
  const { files } = await exportLogs({
    repository: await openRepository(repositoryBeside(server)),
    name: 'shop',
    lineage: range.lineage ?? null,
    from: place(range.from),
    to: place(range.to),
    out: range.out ?? join(server.directory, 'out'),
    signal: new AbortController().signal,
  });
  return files;
}

/** What the server's own tool makes of exported files; it checks that each begins with the GTIDs the one before ended with. */
async function statements(files: readonly ExportedFile[]): Promise<string[]> {
  const { stdout } = await runTool({
    program: findProgram(['mariadb-binlog']),
    args: ['--no-defaults', '--gtid-strict-mode', '--verify-binlog-checksum', ...files.map(({ path }) => path)],
  });
  return stdout.split('\n').filter((line) => line.startsWith('CREATE '));
}

async function borders(index: number): Promise<{ file: string; first: number; last: number }> {
  const segment = (await segmentsOf(repositoryBeside(server)))[index];
  return {
    file: segment?.file ?? '',
    first: segment?.manifest?.last?.start ?? 0,
    last: segment?.manifest?.last?.end ?? 0,
  };
}

describe('export', () => {
  it('gives every file as the server has it', async () => {
    const files = await run();
    expect(files.map(({ file }) => file)).toEqual([1, 2, 3, 4].map((number) => `binlog.00000${number}`));
    for (const { file, path } of files) expect(await cmpMasked(path, join(server.datadir, file))).toBeNull();
  });

  it('cuts at the borders of groups, and the peer reads the pieces together', async () => {
    const from = await borders(0);
    const to = await borders(2);
    const files = await run({ from: `${from.file}:${from.first}`, to: `${to.file}:${to.first}` });
    const table = 'CREATE TABLE a.t (id INT PRIMARY KEY)';
    expect(await statements(files)).toEqual([table, 'CREATE DATABASE b', table.replace('a', 'b'), 'CREATE DATABASE c']);
    expect(files.map(({ from: start, to: end }) => [start, end])).toEqual([
      [from.first, expect.any(Number)],
      [0, expect.any(Number)],
      [0, to.first],
    ]);
    const { files: scanned } = await scan({ paths: files.map(({ path }) => path), verifyChecksums: true });
    expect(scanned.map(({ problems }) => problems)).toEqual([[], [], []]);
    expect(scanned.map(({ gtidStart, gtidEnd }) => [gtidStart, gtidEnd])).toEqual([
      ['0-101-1', '0-101-2'],
      ['0-101-2', '0-101-4'],
      ['0-101-4', '0-101-5'],
    ]);
  });

  it('leaves out a file that it would end before', async () => {
    const { file } = await borders(2);
    expect((await run({ to: `${file}:4` })).map((exported) => exported.file)).toEqual([
      'binlog.000001',
      'binlog.000002',
    ]);
  });

  it('takes the lineage that it is given', async () => {
    const repository = await openRepository(repositoryBeside(server));
    const [lineage] = await repository.lineages();
    expect(await run({ lineage: lineage?.id ?? '' })).toHaveLength(4);
    await expect(run({ lineage: 'shop-other' })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: "there is no lineage 'shop-other'",
    });
  });

  it('refuses to cut anywhere else', async () => {
    const { file, first, last } = await borders(0);
    for (const position of [5, 300, first + 1, first + 42]) {
      await expect(run({ from: `${file}:${position}` })).rejects.toMatchObject({ code: 'COORDINATES_INVALID' });
    }
    await expect(run({ to: `${file}:${first + 1}` })).rejects.toMatchObject({
      message: `${file}:${first + 1} is not between two transaction groups`,
      hint: `The nearest places for a cut are ${file}:${first} and ${file}:${last}.`,
    });
    await expect(run({ to: `${file}:99999` })).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    await expect(run({ from: 'binlog.000002:4', to: 'binlog.000001:4' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(run({ to: 'binlog.000001:4' })).rejects.toMatchObject({ code: 'USAGE' });
    await expect(run({ to: 'binlog.000007:4' })).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
  });

  it('gives no file that is not what was sealed', async () => {
    const [segment] = await segmentsOf(repositoryBeside(server));
    const bytes = await readFile(segment?.path ?? '');
    bytes.writeUInt8((bytes[bytes.length - 60] ?? 0) ^ 1, bytes.length - 60);
    await writeFile(segment?.path ?? '', bytes);
    await expect(run()).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED', exitCode: 21 });
    expect(await readdir(server.directory)).not.toContain('out');
  });

  it('leaves nothing of what it wrote before a failure: half of an export looks like a whole one', async () => {
    const third = (await segmentsOf(repositoryBeside(server)))[2];
    const bytes = await readFile(third?.path ?? '');
    bytes.writeUInt8((bytes[bytes.length - 60] ?? 0) ^ 1, bytes.length - 60);
    await writeFile(third?.path ?? '', bytes);
    const out = join(server.directory, 'out');
    await expect(run()).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    expect(await readdir(server.directory)).not.toContain('out');
    await mkdir(out);
    await expect(run()).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    expect(await readdir(out)).toEqual([]); // the user's own folder stays
  });

  it.each(['', 'out', 'lineages/out/deep'])('does not write into the repository: %s', async (inside) => {
    const repository = repositoryBeside(server);
    const before = await filesBelow(repository);
    const link = join(server.directory, 'link');
    await symlink(repository, link);
    for (const out of [join(repository, inside), join(link, inside)])
      await expect(run({ out })).rejects.toMatchObject({
        code: 'USAGE',
        exitCode: 2,
        message: expect.stringContaining('is inside the repository') as string,
      });
    expect(await filesBelow(repository)).toEqual(before);
  });

  it('does not pass over a segment that is gone', async () => {
    const [, second] = await segmentsOf(repositoryBeside(server));
    await rm(second?.path ?? '');
    await expect(run()).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      message: expect.stringContaining('binlog.000002') as string,
    });
    expect(await run({ to: 'binlog.000002:4' })).toHaveLength(1);
  });
});
