import { currentLineage } from '../archive/lineage.ts';
import type { Repository } from '../archive/repository.ts';
import { FIRST_EVENT_OFFSET, nextFile } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import { pause } from '../platform/wait.ts';
import { listBinaryLogs, type BinaryLog } from '../server/binary-logs.ts';
import { connect, describeServer, SHORT_QUESTIONS, type ServerConnection } from '../server/connection.ts';
import { lookAt, type Source } from './source-log.ts';
import type { PrimarySettings } from './settings.ts';

/** Every commit on the source waits as long. */
const LISTING_MS = 1000;

/**
 * Looks at a source whose commits wait for this archiver. While two of them wait, MariaDB lists its files to nobody, so that the
 * one who could let them go on would wait for them: then the archive says which files are needed, and their bytes are the proof.
 *
 * Source: MariaDB 10.11 sql/log.cc: the second group to commit holds LOCK_log, which SHOW BINARY LOGS wants; tried.
 * @throws LastgoodError what `lookAt` throws; `SERVER_UNREACHABLE` when nothing is archived yet
 */
export async function lookAtWaiting(
  connection: ServerConnection,
  { primary, repository }: { primary: PrimarySettings; repository: Repository },
): Promise<Source> {
  const logs = await listSoon(primary);
  if (logs !== null) return await lookAt(connection, primary, { logs });
  const needed = await neededFiles(repository, primary.name);
  if (needed.length === 0) throw noListing(primary);
  return await lookAt(connection, primary, { logs: needed, assumed: true });
}

/** The error for a source that lists its files to nobody while its commits wait. */
export function noListing(primary: PrimarySettings): LastgoodError {
  return new LastgoodError(
    'SERVER_UNREACHABLE',
    `the ${describeServer(primary)} does not list its binary logs: its commits wait for a semi-synchronous replica`,
    {
      hint: 'On it: SET GLOBAL rpl_semi_sync_master_enabled = OFF; then run `lastgood archive --until-current`, set it ON again, and start `lastgood archive`.',
    },
  );
}

/** Null when there is no answer yet. Asked on a connection of its own, which is not good for anything else then. */
async function listSoon(primary: PrimarySettings): Promise<BinaryLog[] | null> {
  const asking = await connect(primary, SHORT_QUESTIONS);
  const over = new AbortController();
  try {
    const listed = listBinaryLogs(asking);
    listed.catch(() => undefined); // after the deadline nobody listens
    const deadline = pause(LISTING_MS, over.signal).then(() => null);
    deadline.catch(() => undefined); // the list came first
    return await Promise.race([listed, deadline]);
  } finally {
    over.abort();
    asking.core.destroy();
  }
}

/** What the archive goes on with: its newest file, and the one behind it. */
async function neededFiles(repository: Repository, name: string): Promise<BinaryLog[]> {
  const lineage = currentLineage(await repository.lineages(), name);
  const newest = lineage === null ? undefined : (await repository.segments(lineage.id)).at(-1);
  if (newest === undefined) return [];
  const { file, bytes } = newest;
  return [
    { file, bytes },
    { file: nextFile(file), bytes: FIRST_EVENT_OFFSET },
  ];
}
