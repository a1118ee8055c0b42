import { createHash } from 'node:crypto';
import type { ArchiveEnd } from '../archive/archive-end.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { Repository } from '../archive/repository.ts';
import {
  fileNumber,
  FIRST_EVENT_OFFSET,
  formatCoordinates,
  nextFile,
  type Coordinates,
} from '../binlog/coordinates.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import { LastgoodError } from '../platform/errors.ts';
import { gtidStateAt, type BinaryLog } from '../server/binary-logs.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import { readServerIdentity } from '../server/facts.ts';
import { peekBinlog } from '../server/peek-binlog.ts';
import type { PrimarySettings } from './settings.ts';

/** The lineage of the source's present history: the newest one under its name, or a new one for its oldest file. */
export async function openLineage(
  repository: Repository,
  { connection, primary, logs }: { connection: ServerConnection; primary: PrimarySettings; logs: readonly BinaryLog[] },
): Promise<Lineage> {
  const known = (await repository.lineages()).findLast(({ name }) => name === primary.name);
  const identity = await readServerIdentity(connection);
  if (known !== undefined) {
    if (known.flavor === connection.flavor && known.serverUuid === identity.serverUuid) return known;
    throw new LastgoodError(
      'LINEAGE_MISMATCH',
      `the ${describeServer(primary)} is not the server of lineage '${known.id}': its uuid or flavor is another`,
    );
  }
  const [first] = logs;
  if (first === undefined)
    throw new LastgoodError('PREFLIGHT_FAILED', `the ${describeServer(primary)} has no binary log file`);
  const head = await peekBinlog(primary, { file: first.file, position: FIRST_EVENT_OFFSET });
  const facts = {
    flavor: connection.flavor,
    ...identity,
    firstFile: first.file,
    firstOpenedAt: head.format.time,
    firstGtidState: head.gtidStart,
  };
  const digest = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 8);
  const lineage: Lineage = {
    format: 1,
    id: `${primary.name}-${digest}`,
    name: primary.name,
    ...facts,
    parent: null,
    createdAt: new Date().toISOString(),
  };
  await repository.writeLineage(lineage);
  return lineage;
}

/**
 * Where the stream has to go on, after checking that the source still has the history that is archived.
 *
 * @param logs the source's files, oldest first
 * @throws LastgoodError `LINEAGE_MISMATCH` when its history is another one, `ARCHIVE_GAP` when it has purged what is
 * not yet archived; the gap is in the ledger then
 */
export async function findStart(options: {
  repository: Repository;
  lineage: Lineage;
  end: ArchiveEnd;
  connection: ServerConnection;
  primary: PrimarySettings;
  logs: readonly BinaryLog[];
}): Promise<Coordinates> {
  const { end, logs, lineage } = options;
  const next = nextCoordinates(end);
  const oldest = logs[0]?.file ?? '';
  if (next === null) return { file: oldest, position: FIRST_EVENT_OFFSET };
  if (fileNumber(oldest) > fileNumber(next.file)) throw await recordGap(options, next, oldest);
  checkListed(lineage, next, logs);
  await checkSameFile(options);
  await checkSameState(options, next);
  const { tail } = end;
  return tail !== null && logs.some(({ file }) => file === tail.file) ? { file: tail.file, position: tail.from } : next;
}

function checkListed(lineage: Lineage, next: Coordinates, logs: readonly BinaryLog[]): void {
  const listed = logs.find(({ file }) => file === next.file);
  if (listed !== undefined && listed.bytes >= next.position) return;
  const all = `'${logs[0]?.file ?? ''}' to '${logs.at(-1)?.file ?? ''}'`;
  const has = listed === undefined ? all : `${listed.bytes} bytes of it`;
  throw mismatch(lineage, `the archive goes on at ${formatCoordinates(next)}, the source has ${has}`);
}

function nextCoordinates({ open, sealed }: ArchiveEnd): Coordinates | null {
  if (open !== null) return { file: open.file, position: open.size };
  if (sealed === null) return null;
  return { file: nextFile(sealed.manifest.file), position: FIRST_EVENT_OFFSET };
}

/**
 * True when the source went on in the next file with exactly the GTIDs that the archive ends with: then what its crashed
 * file has behind our last whole group is torn, and the next file is the true continuation.
 */
export async function continuesAfterCrash(
  open: { readonly file: string; readonly gtidEnd: string | null },
  { primary, logs, lineage }: { primary: PrimarySettings; logs: readonly BinaryLog[]; lineage: Lineage },
): Promise<boolean> {
  const file = nextFile(open.file);
  if (open.gtidEnd === null || !logs.some((log) => log.file === file)) return false;
  const { gtidStart } = await peekBinlog(primary, { file, position: FIRST_EVENT_OFFSET });
  if (gtidStart === null) return false;
  return parseGtidState(lineage.flavor, gtidStart).equals(parseGtidState(lineage.flavor, open.gtidEnd));
}

async function recordGap(
  options: { repository: Repository; lineage: Lineage },
  next: Coordinates,
  oldest: string,
): Promise<LastgoodError> {
  const { repository, lineage } = options;
  const from = formatCoordinates(next);
  const to = formatCoordinates({ file: oldest, position: FIRST_EVENT_OFFSET });
  const why = 'the source purged its files before they were archived';
  await repository.ledger.record({
    kind: 'gap',
    lineage: lineage.id,
    from,
    to,
    why,
    noticedAt: new Date().toISOString(),
  });
  return new LastgoodError('ARCHIVE_GAP', `the source has purged ${from} to ${to} before it was archived`, {
    details: { lineage: lineage.id, from, to },
    hint: 'Are the purged files left in a copy? Otherwise take a new backup, and archive into a new repository or under another [primary] name.',
  });
}

/** A reused name with other content: RESET MASTER, a rebuilt server. */
async function checkSameFile({
  end,
  primary,
  lineage,
  logs,
}: {
  end: ArchiveEnd;
  primary: PrimarySettings;
  lineage: Lineage;
  logs: readonly BinaryLog[];
}): Promise<void> {
  const ours = end.open ?? end.sealed?.manifest;
  if (ours === undefined || ours.openedAt === null || !logs.some(({ file }) => file === ours.file)) return;
  const { format } = await peekBinlog(primary, { file: ours.file, position: FIRST_EVENT_OFFSET });
  if (format.time === ours.openedAt) return;
  throw mismatch(lineage, `the source's '${ours.file}' was begun at another time than the archived one`);
}

async function checkSameState(
  { end, connection, lineage }: { end: ArchiveEnd; connection: ServerConnection; lineage: Lineage },
  next: Coordinates,
): Promise<void> {
  const archived = end.open?.gtidEnd ?? null;
  if (archived === null) return;
  const state = await gtidStateAt(connection, next);
  if (state === null || parseGtidState('mariadb', state).equals(parseGtidState('mariadb', archived))) return;
  throw mismatch(
    lineage,
    `at ${formatCoordinates(next)} the source has GTID position '${state}', the archive '${archived}'`,
  );
}

function mismatch(lineage: Lineage, why: string): LastgoodError {
  return new LastgoodError(
    'LINEAGE_MISMATCH',
    `the source's binary log is not the history of lineage '${lineage.id}': ${why}`,
  );
}
