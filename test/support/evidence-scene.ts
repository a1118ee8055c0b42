import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { listIncidents } from '../../src/operations/incidents.ts';
import { openArchive, type OpenArchive } from '../../src/operations/open-archive.ts';
import { saveLostRows } from '../../src/operations/evidence/save-lost-rows.ts';
import { writeLostRows } from '../../src/operations/evidence/write-lost-rows.ts';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { CHANGE_ALL, fillStrangeRows } from './strange-rows.ts';
import { archiveUntilCurrent, repositoryBeside, silentLog } from './archiver.ts';
import type { TestServer } from './servers.ts';

export async function checksum(connection: ServerConnection, table = 'shop.t'): Promise<string> {
  const [row] = await connection.query<{ Checksum: string }>(`CHECKSUM TABLE ${table} EXTENDED`);
  return String(row?.Checksum);
}

/** As the file says how. */
export async function load(server: TestServer, path: string): Promise<void> {
  const told = /`mariadb (--\S+) < FILE`/.exec(await readFile(path, 'utf8'))?.[1] ?? '';
  await runTool({
    program: findProgram(['mariadb', 'mysql']),
    args: ['--no-defaults', '--user=root', `--socket=${server.socket}`, told],
    input: createReadStream(path),
  });
}

/** Archives what there is, sealed and compressed, and opens the archive. */
export async function archived(server: TestServer): Promise<OpenArchive> {
  await using connection = await server.connect();
  await connection.query('FLUSH LOCAL LOGS');
  const repository = repositoryBeside(server);
  await archiveUntilCurrent(server, repository, { archive: { sync: 'group', semiSync: false, compression: 'zstd' } });
  return await openArchive(repository, { log: silentLog });
}

/** The newest incident; its rows as SQL, in a file. */
export async function newestAsSql(
  server: TestServer,
  name: string,
): Promise<{ path: string; kind: string; deleted: number; updated: number }> {
  using archive = await archived(server);
  const [incident] = listIncidents(archive, { all: true });
  if (incident === undefined) throw new Error('no incident found');
  const options = { live: async () => await server.connect(), log: silentLog };
  const path = join(server.directory, name);
  await saveLostRows(await writeLostRows(archive, incident.id, { ...options, format: 'sql' }), path);
  return { path, kind: incident.kind, ...incident.rows };
}

/** Deletes, then changes every row of a table of all types; each time the SQL made from the log must undo it. */
export async function expectRowsComeBack(server: TestServer, rows: number): Promise<void> {
  await using connection = await server.connect();
  await fillStrangeRows(connection, rows);
  const before = await checksum(connection);

  await connection.query('DELETE FROM shop.t');
  const deletion = await newestAsSql(server, 'delete.sql');
  expect(deletion.kind).toBe('mass-delete');
  await load(server, deletion.path);
  expect(await checksum(connection)).toBe(before);
  expect((await stat(deletion.path)).mode & 0o777).toBe(0o600);

  await connection.query(CHANGE_ALL);
  const update = await newestAsSql(server, 'update.sql');
  expect(update.kind).toBe('mass-update');
  await load(server, update.path);
  expect(await checksum(connection)).toBe(before);
}
