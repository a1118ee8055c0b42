import { compareCoordinates, formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { pause } from '../platform/wait.ts';
import { isArchiverAlive, openArchive } from './open-archive.ts';
import type { Settings } from './settings.ts';

const TIMEOUT_MS = 60_000;
const POLL_MS = 500;

/**
 * Waits until the archive of the configured primary holds everything before `point`, which is in that server's own log: an archive of
 * the server that was primary before does not count where its `serverId` is given.
 *
 * @returns the lineage that holds it
 * @throws LastgoodError `TARGET_UNREACHABLE` at once when no archiver runs, else after a minute; `INTERRUPTED`
 */
export async function waitUntilArchived(
  settings: Pick<Settings, 'repositoryPath' | 'keyFile' | 'primary'>,
  point: Coordinates & { readonly serverId?: number },
  options: { log: Logger; signal?: AbortSignal | undefined },
): Promise<string> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const { end, alive } = await readArchiveEnd(settings, point.serverId, options);
    if (end !== null && compareCoordinates(end, point) >= 0) return end.lineage;
    if (!alive || performance.now() >= deadline) throw notArchived(end, point, alive);
    await pause(POLL_MS, options.signal);
  }
}

async function readArchiveEnd(
  { repositoryPath, keyFile, primary }: Pick<Settings, 'repositoryPath' | 'keyFile' | 'primary'>,
  serverId: number | undefined,
  options: { log: Logger; signal?: AbortSignal | undefined },
): Promise<{ end: (Coordinates & { lineage: string }) | null; alive: boolean }> {
  using archive = await openArchive(repositoryPath, { ...options, keyFile });
  const alive = await isArchiverAlive(archive.repository, primary.name);
  const lineage = archive.catalog
    .lineages()
    .findLast((known) => known.name === primary.name && known.serverId === (serverId ?? known.serverId));
  if (lineage === undefined) return { end: null, alive };
  const last = archive.catalog.newestSegment(lineage.id)?.digest;
  return { end: last === undefined ? null : { lineage: lineage.id, file: last.file, position: last.indexedTo }, alive };
}

function notArchived(
  end: Coordinates | null,
  point: Coordinates & { readonly serverId?: number },
  alive: boolean,
): LastgoodError {
  const nothing = point.serverId === undefined ? 'is empty' : `has nothing of server ${point.serverId}`;
  const reached = end === null ? nothing : `ends at ${formatCoordinates(end)}`;
  const archiver = alive ? `for ${TIMEOUT_MS / 1000} s now` : 'and no archiver runs';
  return new LastgoodError(
    'TARGET_UNREACHABLE',
    `the replica stands at ${formatCoordinates(point)}, the archive ${reached}, ${archiver}`,
    { hint: 'Run `lastgood archive --until-current`, or the archiving service, then try again.' },
  );
}
