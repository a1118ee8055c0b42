import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openRepository, type ArchivedSegment } from '../../src/archive/repository.ts';
import { archive, type ArchiveOptions, type ArchiveResult } from '../../src/operations/archive.ts';
import type { PrimarySettings } from '../../src/operations/settings.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { TestServer } from './servers.ts';

export const ARCHIVER_SERVER_ID = 4_210_001;

export const silentLog = createLogger({ level: 'silent', pretty: false });

/** Settings of an archiver that signs in as root through the server's socket. */
export function primarySettings(server: TestServer): PrimarySettings {
  return { ...server.serverOptions('primary'), name: 'shop', serverId: ARCHIVER_SERVER_ID };
}

/** Archives everything the server has now into `repositoryPath`, then stops. */
export async function archiveUntilCurrent(
  server: TestServer,
  repositoryPath: string,
  options: Partial<ArchiveOptions> = {},
): Promise<ArchiveResult> {
  return await archive({
    repositoryPath,
    primary: primarySettings(server),
    archive: { sync: 'group', semiSync: false, compression: 'none' },
    untilCurrent: true,
    log: silentLog,
    signal: new AbortController().signal,
    ...options,
  });
}

/**
 * Archives until the newest segment is as long as the server's file, and the server has nothing more to write there: after a
 * rotation MariaDB writes checkpoint events when it gets to it, also when nobody writes any more. The last one names its own file.
 *
 * Source: MariaDB 10.11 sql/log.cc, MYSQL_BIN_LOG::mark_xid_done.
 */
export async function archiveToTheLastByte(
  server: TestServer,
  repositoryPath: string,
  options: Partial<ArchiveOptions> = {},
): Promise<void> {
  await using connection = await server.connect();
  const complete = async (): Promise<boolean> => {
    await archiveUntilCurrent(server, repositoryPath, options);
    const newest = (await segmentsOf(repositoryPath)).at(-1);
    if (newest === undefined || !(await isSettled(connection, newest.file))) return false;
    return newest.bytes === (await stat(join(server.datadir, newest.file))).size;
  };
  await waitFor(complete, { timeoutMs: 30_000, what: 'the last byte' });
}

/** No older file waits for its checkpoint any more. MySQL has no such events. */
export async function isSettled(connection: ServerConnection, file: string): Promise<boolean> {
  if (connection.flavor === 'mysql') return true;
  const events = await connection.query<{ Event_type: string; Info: string }>(`SHOW BINLOG EVENTS IN '${file}'`);
  const checkpoint = events.findLast(({ Event_type: type }) => type === 'Binlog_checkpoint');
  return checkpoint?.Info === file;
}

/** Until the server writes nothing more by itself: what is archived then stays all there is. */
export async function waitUntilSettled(server: TestServer): Promise<void> {
  await using connection = await server.connect();
  const { coordinates } = await readBinlogEnd(connection);
  await waitFor(() => isSettled(connection, coordinates.file), {
    timeoutMs: 30_000,
    what: `the checkpoint of ${coordinates.file}`,
  });
}

export interface RunningArchiver extends AsyncDisposable {
  /** Settles when it ends by itself. */
  readonly ended: Promise<ArchiveResult>;
  /** Ends it as SIGTERM would. */
  stop(): Promise<ArchiveResult>;
}

/** An archiver at work until it is stopped. */
export function startArchiver(
  server: TestServer,
  repositoryPath: string,
  options: Partial<ArchiveOptions> = {},
): RunningArchiver {
  const controller = new AbortController();
  const running = archiveUntilCurrent(server, repositoryPath, {
    untilCurrent: false,
    signal: controller.signal,
    ...options,
  });
  running.catch(() => undefined); // stop() throws it
  const stop = async (): Promise<ArchiveResult> => {
    controller.abort();
    return await running;
  };
  return {
    ended: running,
    stop,
    async [Symbol.asyncDispose]() {
      await stop().catch(() => undefined); // the test has seen it, or has failed before
    },
  };
}

/** The segments of the repository's only lineage. */
export async function segmentsOf(repositoryPath: string): Promise<ArchivedSegment[]> {
  const repository = await openRepository(repositoryPath);
  const [lineage, ...others] = await repository.lineages();
  if (lineage === undefined || others.length > 0) throw new Error(`expected one lineage in ${repositoryPath}`);
  return repository.segments(lineage.id);
}

/** A folder for a repository beside the server's data, removed with it. */
export function repositoryBeside(server: TestServer): string {
  return join(server.directory, 'repository');
}
