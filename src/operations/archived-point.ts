import { compareCoordinates, compareFiles, formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { pause } from '../platform/wait.ts';
import { isArchiverAlive, openArchive } from './open-archive.ts';
import type { Settings } from './settings.ts';

const TIMEOUT_MS = 60_000;
const POLL_MS = 500;

/**
 * Waits until the archive of the configured primary holds everything before `point`.
 *
 * @throws LastgoodError `TARGET_UNREACHABLE` at once when no archiver runs, else after a minute; `INTERRUPTED`
 */
export async function waitUntilArchived(
  settings: Pick<Settings, 'repositoryPath' | 'primary'>,
  point: Coordinates,
  options: { log: Logger; signal?: AbortSignal | undefined },
): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const { end, alive } = await readArchiveEnd(settings, options);
    if (end !== null && compareCoordinates(end, point) >= 0) return;
    if (!alive || performance.now() >= deadline) throw notArchived(end, point, alive);
    await pause(POLL_MS, options.signal);
  }
}

async function readArchiveEnd(
  { repositoryPath, primary }: Pick<Settings, 'repositoryPath' | 'primary'>,
  options: { log: Logger; signal?: AbortSignal | undefined },
): Promise<{ end: Coordinates | null; alive: boolean }> {
  using archive = await openArchive(repositoryPath, options);
  const alive = await isArchiverAlive(archive.repository, primary.name);
  const lineage = archive.catalog.lineages().findLast(({ name }) => name === primary.name);
  const segments = lineage === undefined ? [] : archive.catalog.segments(lineage.id);
  const last = segments.toSorted((a, b) => compareFiles(a.digest.file, b.digest.file)).at(-1)?.digest;
  return { end: last === undefined ? null : { file: last.file, position: last.indexedTo }, alive };
}

function notArchived(end: Coordinates | null, point: Coordinates, alive: boolean): LastgoodError {
  const reached = end === null ? 'is empty' : `ends at ${formatCoordinates(end)}`;
  const archiver = alive ? `for ${TIMEOUT_MS / 1000} s now` : 'and no archiver runs';
  return new LastgoodError(
    'TARGET_UNREACHABLE',
    `the replica stands at ${formatCoordinates(point)}, the archive ${reached}, ${archiver}`,
    { hint: 'Run `lastgood archive --until-current`, or the archiving service, then try again.' },
  );
}
