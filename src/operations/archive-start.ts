/**
 * Where an archiver goes on. Enters: the end of the archive and the source as it is now. Leaves: a place in the same history, or
 * why it is another one. Only other bytes, other GTIDs or another server are a reason: what cannot be read is thrown.
 */
import type { ArchiveEnd } from '../archive/archive-end.ts';
import { isWithin } from '../archive/hand-over.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { SegmentDamage } from '../archive/segment-writer.ts';
import {
  fileNumber,
  FIRST_EVENT_OFFSET,
  formatCoordinates,
  nextFile,
  type Coordinates,
} from '../binlog/coordinates.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import { gtidStateAt } from '../server/binary-logs.ts';
import { peekFile, type Source } from './source-log.ts';

/** What the source is to the archived lineage. */
export type Continuation =
  /** The same history: it is streamed from here. */
  | { readonly kind: 'same'; readonly start: Coordinates }
  /** The same server, with another history. */
  | { readonly kind: 'other-history'; readonly why: string }
  | { readonly kind: 'other-server'; readonly why: string }
  /** The same history, but its next bytes are gone. */
  | { readonly kind: 'purged'; readonly from: Coordinates; readonly oldest: string };

/** Looks where the stream of a lineage goes on. @throws LastgoodError `SERVER_UNREACHABLE`, `SERVER_QUERY_FAILED` */
export async function findContinuation(lineage: Lineage, end: ArchiveEnd, source: Source): Promise<Continuation> {
  const otherServer = whyOtherServer(lineage, source);
  if (otherServer !== null) return { kind: 'other-server', why: otherServer };
  const next = nextCoordinates(end);
  const oldest = source.logs[0]?.file ?? '';
  if (next === null) return await firstFile(lineage, source);
  if (fileNumber(oldest) > fileNumber(next.file)) return await purged(end, next, source);
  const why = whyNotListed(next, source) ?? (await whyOtherFile(end, source)) ?? (await whyOtherState(end, source));
  if (why !== null) return { kind: 'other-history', why };
  if (end.damage !== null) checkRefetchable(end.damage, source);
  const { tail } = end;
  const isTailThere = tail !== null && source.logs.some(({ file }) => file === tail.file);
  return { kind: 'same', start: isTailThere ? { file: tail.file, position: tail.from } : next };
}

/** Wrong bytes are given up only for the source's own: there must be at least as many. */
function checkRefetchable({ error, file, bytes }: SegmentDamage, { logs }: Source): void {
  const listed = logs.find((log) => log.file === file)?.bytes ?? 0;
  if (listed < bytes) throw error;
}

/** MySQL's uuid is its identity, MariaDB's server id the nearest it has. */
function whyOtherServer(lineage: Lineage, { flavor, identity }: Source): string | null {
  if (lineage.flavor !== flavor) return `it is ${flavor} instead of ${lineage.flavor}`;
  const { serverId, serverUuid } = identity;
  if (flavor === 'mysql')
    return lineage.serverUuid === serverUuid
      ? null
      : `its server_uuid is ${serverUuid} instead of ${lineage.serverUuid}`;
  return lineage.serverId === serverId ? null : `its server_id is ${serverId} instead of ${lineage.serverId}`;
}

/** Nothing of the lineage is archived yet: a crash came between its record and its first byte. */
async function firstFile(lineage: Lineage, source: Source): Promise<Continuation> {
  const { firstFile: file, firstOpenedAt } = lineage;
  const from = { file, position: FIRST_EVENT_OFFSET };
  const oldest = source.logs[0]?.file ?? '';
  if (fileNumber(oldest) > fileNumber(file)) return { kind: 'purged', from, oldest };
  const isListed = source.logs.some((log) => log.file === file);
  const isSame = isListed && (await peekFile(source, file)).format.time === firstOpenedAt;
  if (isSame) return { kind: 'same', start: from };
  return { kind: 'other-history', why: `its '${file}' is not the one with which the lineage begins` };
}

async function purged(end: ArchiveEnd, from: Coordinates, source: Source): Promise<Continuation> {
  const oldest = source.logs[0]?.file ?? '';
  const archived = end.open?.gtidEnd ?? end.sealed?.manifest.gtidEnd ?? null;
  const { gtidStart } = await peekFile(source, oldest);
  const parse = (text: string): ReturnType<typeof parseGtidState> => parseGtidState(source.flavor, text);
  if (archived === null || gtidStart === null || isWithin(parse(archived), parse(gtidStart)))
    return { kind: 'purged', from, oldest };
  const why = `its oldest file '${oldest}' begins after GTIDs '${gtidStart}', the archive ends at '${archived}'`;
  return { kind: 'other-history', why };
}

function whyNotListed(next: Coordinates, { logs }: Source): string | null {
  const listed = logs.find(({ file }) => file === next.file);
  if (listed !== undefined && listed.bytes >= next.position) return null;
  const all = `'${logs[0]?.file ?? ''}' to '${logs.at(-1)?.file ?? ''}'`;
  const has = listed === undefined ? all : `${listed.bytes} bytes of it`;
  return `the archive goes on at ${formatCoordinates(next)}, the source has ${has}`;
}

/** A reused name with other content: RESET MASTER, a rebuilt server. */
async function whyOtherFile(end: ArchiveEnd, source: Source): Promise<string | null> {
  const ours = end.open ?? end.sealed?.manifest;
  if (ours === undefined || ours.openedAt === null || !source.logs.some(({ file }) => file === ours.file)) return null;
  const { format } = await peekFile(source, ours.file);
  return format.time === ours.openedAt ? null : `its '${ours.file}' was begun at another time than the archived one`;
}

async function whyOtherState(end: ArchiveEnd, { connection }: Source): Promise<string | null> {
  const next = nextCoordinates(end);
  const archived = end.open?.gtidEnd ?? null;
  if (archived === null || next === null) return null;
  const state = await gtidStateAt(connection, next);
  if (state === null || parseGtidState('mariadb', state).equals(parseGtidState('mariadb', archived))) return null;
  return `at ${formatCoordinates(next)} the source has GTID position '${state}', the archive '${archived}'`;
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
  source: Source,
): Promise<boolean> {
  const file = nextFile(open.file);
  if (open.gtidEnd === null || !source.logs.some((log) => log.file === file)) return false;
  const { gtidStart } = await peekFile(source, file);
  if (gtidStart === null) return false;
  return parseGtidState(source.flavor, gtidStart).equals(parseGtidState(source.flavor, open.gtidEnd));
}
