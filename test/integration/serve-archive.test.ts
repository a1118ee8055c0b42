import ZongJi from '@vlasky/zongji';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive } from '../../src/operations/open-archive.ts';
import { serveArchive, type ServedArchive, type ServeOptions } from '../../src/operations/serve-archive.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { appliedUpTo, endReplica } from '../support/archive-replica.ts';
import { archiveUntilCurrent, repositoryBeside, silentLog } from '../support/archiver.ts';
import { checksums } from '../support/compare.ts';
import { selfSigned } from '../support/self-signed.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

let primary: TestServer;
let replica: TestServer;
let target: ServerConnection;
let repository: string;
let keyFile: string;
let kept: Record<string, string | null>;
let dropped: string;

/** Sealed files, compressed and encrypted, and an open one; a DROP in the middle of the second. */
beforeAll(async () => {
  primary = await startPrimary();
  replica = await startPrimary({ serverId: 900, args: ['--skip-log-bin'] });
  target = await replica.connect();
  repository = repositoryBeside(primary);
  keyFile = join(primary.directory, 'keys');
  await writeFile(keyFile, `${'ab'.repeat(32)}\n`, { mode: 0o600 });
  await using source = await primary.connect();
  for (const statement of [
    'CREATE DATABASE shop',
    'CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(20))',
    "INSERT INTO shop.item SELECT seq, CONCAT('item ', seq) FROM shop.seq_1_to_1000",
    'FLUSH BINARY LOGS',
    "UPDATE shop.item SET name = 'changed' WHERE id = 7",
  ])
    await source.query(statement);
  kept = await checksums(source);
  for (const statement of ['DROP TABLE shop.item', 'CREATE TABLE shop.other (id INT)', 'FLUSH BINARY LOGS'])
    await source.query(statement);
  await source.query('INSERT INTO shop.other VALUES (1), (2)');
  kept = { ...kept, ...(await checksums(source)) };
  const settings = { archive: { sync: 'group', semiSync: false, compression: 'zstd' } as const, keyFile };
  await archiveUntilCurrent(primary, repository, settings);
  using archive = await openArchive(repository, { log: silentLog, keyFile });
  dropped = archive.catalog.incidents({}).find(({ kind }) => kind === 'drop-table')?.id ?? '';
});

afterAll(async () => {
  await target.close();
  await replica[Symbol.asyncDispose]();
  await primary[Symbol.asyncDispose]();
});

/** Serves while `use` runs. @returns what was logged */
async function serving(
  options: Partial<ServeOptions>,
  use: (served: ServedArchive) => Promise<void>,
): Promise<Record<string, unknown>[]> {
  const controller = new AbortController();
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    { level: 'info' },
    { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  using archive = await openArchive(repository, { log: silentLog, keyFile });
  const aim = { name: 'shop', target: { kind: 'latest' }, skip: [], from: null, password: null, tls: null } as const;
  let served: Promise<void> = Promise.resolve();
  const ready = new Promise<ServedArchive>((resolve, reject) => {
    served = serveArchive(archive, { ...aim, log, signal: controller.signal, ...options }, resolve);
    served.catch(reject);
  });
  try {
    await use(await ready);
  } finally {
    controller.abort();
  }
  await served;
  return lines;
}

/** What a client for change data capture, which shares no code with ours, is handed. */
async function captured({ host, port, user, password }: ServedArchive, last: number): Promise<string[]> {
  const client = new ZongJi({ host, port, user, password: password ?? '' });
  const queries: string[] = [];
  const failure: { error: Error | null } = { error: null };
  client.on('error', (error: Error) => {
    failure.error = error;
  });
  let reached = 0;
  client.on('binlog', (event) => {
    if (event.getTypeName() === 'Query') queries.push((event as unknown as { query: string }).query);
    reached = Math.max(reached, client.options.filename === 'binlog.000003' ? event.nextPosition : 0);
  });
  client.start({
    filename: 'binlog.000001',
    position: 4,
    serverId: 4_210_007,
    includeEvents: ['rotate', 'query', 'xid'],
  });
  const done = (): boolean => {
    if (failure.error !== null) throw failure.error;
    return reached >= last;
  };
  await waitFor(done, { timeoutMs: 20_000, what: 'the other client at the end' });
  client.stop();
  return queries;
}

describe('a served archive', () => {
  it('brings a replica and another client to the end at once, without what is left out', async () => {
    const log = await serving({ skip: [dropped] }, async (served) => {
      expect(served.skipped).toMatchObject([{ id: dropped }]);
      expect(served.from).toMatchObject({ file: 'binlog.000001', position: 4, gtid: '' });
      const statement = served.statements.find((one) => one.for.startsWith('MariaDB, by GTID'))?.sql ?? '';
      await target.query(statement);
      await target.query('START SLAVE');
      const end = { file: served.to.file, position: served.to.position };
      const [queries] = await Promise.all([captured(served, end.position), appliedUpTo(target, end)]);

      expect(await checksums(target)).toEqual(kept);
      expect(queries.join('\n')).toContain('CREATE TABLE shop.other');
      expect(queries.join('\n')).not.toContain('DROP TABLE');
      await endReplica(target);
    });

    const told = log.map(({ msg, serverId, asked, reached }) => ({ msg, serverId, asked, reached }));
    expect(told).toContainEqual({ msg: 'client asks for the log', serverId: 900, asked: 'GTID ', reached: null });
    expect(told).toContainEqual({
      ...{ msg: 'client has left', serverId: 900, asked: 'GTID ' },
      reached: expect.stringMatching(/^binlog\.000003:\d+$/) as string,
    });
  });

  it('ends before its target, and goes on from any place to another', async () => {
    await target.query('DROP DATABASE IF EXISTS shop');
    await serving({ target: { kind: 'before-incident', incident: dropped } }, async (served) => {
      const statement = served.statements.find((one) => one.for === 'MariaDB, by file and position')?.sql ?? '';
      await target.query(statement);
      await target.query('START SLAVE');
      await appliedUpTo(target, { file: served.to.file, position: served.to.position });
      await endReplica(target);
      expect(Object.keys(await checksums(target))).toEqual(['shop.item']);
      expect(served.to).toMatchObject({ file: 'binlog.000002', gtid: '0-101-4' });
    });
    const [row] = await target.query<{ state: string }>('SELECT @@GLOBAL.gtid_slave_pos AS state');
    expect(row?.state).toBe('0-101-4');

    await serving({ skip: [dropped] }, async (served) => {
      await target.query(served.statements[0]?.sql ?? '');
      await target.query('START SLAVE');
      await appliedUpTo(target, { file: served.to.file, position: served.to.position });
      await endReplica(target);
      expect(await checksums(target)).toEqual(kept);
    });
  });

  it('begins where it is told to, at a group boundary', async () => {
    using archive = await openArchive(repository, { log: silentLog, keyFile });
    const group = archive.catalog.incident(dropped);
    if (group === null) throw new Error('the DROP was found');
    await serving({ from: `binlog.000002:${group.end}` }, async (served) => {
      await Promise.resolve();
      expect(served.from).toMatchObject({ file: 'binlog.000002', position: group.end, gtid: '0-101-5' });
    });
    const nothing = async (): Promise<void> => {
      await Promise.resolve();
    };

    await expect(serving({ from: `binlog.000002:${group.start + 1}` }, nothing)).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      hint: `Use --from binlog.000002:${group.start} to have it served, or --from binlog.000002:${group.end} not to.`,
    });
    await expect(serving({ from: 'binlog.000009:4' }, nothing)).rejects.toThrow(
      '--from binlog.000009:4 is not on the way',
    );
    await expect(serving({ from: `binlog.000002:${group.end}`, skip: [dropped] }, nothing)).rejects.toThrow(
      /cannot be left out: it began before/,
    );
    await expect(serving({ listen: { host: '127.0.0.1', port: primary.port } }, nothing)).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
    });
  });

  it('leaves this machine over TLS only, unless it is told that clear text will do', async () => {
    const listen = { host: '0.0.0.0', port: 0 };
    const warnings: (readonly string[])[] = [];
    const use = async (served: ServedArchive): Promise<void> => {
      await Promise.resolve();
      warnings.push(served.warnings);
    };

    await expect(serving({ listen }, use)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: "'0.0.0.0' is not only this machine, and the log would travel in clear",
    });
    await serving({ listen, tls: await selfSigned() }, use);
    await serving({ listen, allowClearText: true }, use);

    expect(warnings).toEqual([[], ["'0.0.0.0' is not only this machine, and the log travels in clear"]]);
  });
});
