/**
 * Where an archiver goes on. Enters: the end of the archive and the source as it is now. Leaves: a place in the same history, or
 * why it is another one. Only other bytes, other GTIDs or another server are a reason: what cannot be read is thrown.
 */
import type { ArchiveEnd } from '../archive/archive-end.ts';
import { isWithin } from '../archive/hand-over.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { SegmentManifest } from '../archive/manifest.ts';
import type { SegmentDamage } from '../archive/segment-damage.ts';
import {
  fileNumber,
  FIRST_EVENT_OFFSET,
  formatCoordinates,
  nextFile,
  type Coordinates,
} from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import { gtidStateAt } from '../server/binary-logs.ts';
import type { ServerConnection } from '../server/connection.ts';
import { readClockSkew } from '../server/facts.ts';
import { peekFile, type Source } from './source-log.ts';

/** What the source is to the archived lineage. */
export type Continuation =
  /** The same history: it is streamed from here. */
  | { readonly kind: 'same'; readonly start: Coordinates }
  /** The same server, with another history. */
  | { readonly kind: 'other-history'; readonly why: string }
  | { readonly kind: 'other-server'; readonly why: string }
  /** The same history, but its next bytes are gone. */
  | { readonly kind: 'purged'; readonly from: Coordinates; readonly oldest: string }
  /** The same history, but the source cannot read its next bytes; it is told to go on in the next file. */
  | { readonly kind: 'unreadable'; readonly from: Coordinates; readonly next: string };

/** Looks where the stream of a lineage goes on. @throws LastgoodError `SERVER_UNREACHABLE`, `SERVER_QUERY_FAILED` */
export async function findContinuation(lineage: Lineage, end: ArchiveEnd, source: Source): Promise<Continuation> {
  const otherServer = whyOtherServer(lineage, source);
  if (otherServer !== null) return { kind: 'other-server', why: otherServer };
  const next = nextCoordinates(end);
  const oldest = source.logs[0]?.file ?? '';
  if (next === null) return await firstFile(lineage, source);
  if (fileNumber(oldest) > fileNumber(next.file)) return await purged(end, next, source);
  const why = whyNotListed(next, source) ?? (await whyOther(end, source));
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

async function whyOther(end: ArchiveEnd, source: Source): Promise<string | null> {
  return (await whyOtherFile(end, source)) ?? (await whyOtherState(end, source)) ?? (await whyNotNext(end, source));
}

/** A reused name with other content: RESET MASTER, a rebuilt server. */
async function whyOtherFile(end: ArchiveEnd, source: Source): Promise<string | null> {
  const ours = end.open ?? end.sealed?.manifest;
  if (ours === undefined || ours.openedAt === null || !source.logs.some(({ file }) => file === ours.file)) return null;
  const { format } = await peekFile(source, ours.file);
  return format.time === ours.openedAt ? null : `its '${ours.file}' was begun at another time than the archived one`;
}

/** The sealed file is gone from the source: nothing comes again to be compared. */
async function whyNotNext({ open, sealed }: ArchiveEnd, source: Source): Promise<string | null> {
  const ours = sealed?.manifest;
  if (open !== null || ours === undefined || source.logs.some(({ file }) => file === ours.file)) return null;
  const file = nextFile(ours.file);
  const { format, gtidStart } = await peekFile(source, file);
  const next = { openedAt: format.time, gtidStart };
  const { flavor } = source;
  if (mayFollow(ours, next, { flavor, skewSeconds: await readClockSkew(source.connection) })) return null;
  return `its '${file}' was begun after '${ours.file}' had been archived whole, and has no GTIDs that show it to be the next file`;
}

/** More than clocks drift apart between two looks. */
const CLOCK_SLACK_SECONDS = 60;

/**
 * True when a file may be the one after a sealed file that cannot be looked at any more. A file is sealed when the next one has
 * begun: one with its name that began later is of another log. Where there are GTIDs they are compared as the file's first
 * events come, which is more; but MySQL's may have become more in the log as well as in another one.
 */
export function mayFollow(
  sealed: Pick<SegmentManifest, 'gtidEnd' | 'last' | 'sealedAt'>,
  next: { readonly openedAt: number; readonly gtidStart: string | null },
  { flavor, skewSeconds }: { flavor: Flavor; skewSeconds: number },
): boolean {
  const { gtidEnd, last, sealedAt } = sealed;
  const isStateTelling = flavor === 'mysql' ? last !== null && last.gtid !== null : gtidEnd !== '';
  if (gtidEnd !== null && next.gtidStart !== null && isStateTelling && !isMore(gtidEnd, next.gtidStart, flavor))
    return true;
  return next.openedAt <= Date.parse(sealedAt) / 1000 + skewSeconds + CLOCK_SLACK_SECONDS;
}

/** SET GLOBAL gtid_purged gives a file more GTIDs to begin with than the one before ended with; so does another log of the same server. */
function isMore(gtidEnd: string, gtidStart: string, flavor: Flavor): boolean {
  return flavor === 'mysql' && !parseGtidState(flavor, gtidStart).equals(parseGtidState(flavor, gtidEnd));
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
export async function continuesAfterCrash(open: OpenEnd, source: Source): Promise<boolean> {
  const file = nextFile(open.file);
  if (!source.logs.some((log) => log.file === file)) return false;
  const { gtidStart } = await peekFile(source, file);
  return isNothingBetween(open, gtidStart, source.flavor) && (await givesEachGroupAGtid(source.connection));
}

/**
 * False where a group may have no GTID: what is torn may have been one, and would be missing in no GTID state.
 *
 * Source: MySQL 8.4 manual, gtid_mode: with ON_PERMISSIVE replicated transactions, with OFF_PERMISSIVE new ones too can be anonymous.
 */
export async function givesEachGroupAGtid(connection: Pick<ServerConnection, 'flavor' | 'query'>): Promise<boolean> {
  if (connection.flavor === 'mariadb') return true;
  const [row] = await connection.query<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'gtid_mode'");
  return row?.Value === 'ON';
}

/** Where an open segment ends. */
interface OpenEnd {
  readonly file: string;
  readonly gtidEnd: string | null;
  /** A group without a GTID is in the file. */
  readonly hasAnonymous: boolean;
  /** The newest group, in this file or before it. */
  readonly last: { readonly file: string; readonly gtid: string | null } | null;
}

/**
 * True when equal GTID states prove that no group is missing between a file's archived end and the start of the next file. MySQL's
 * groups without a GTID leave the state as it is: there the file must have a group, and all of them must have a GTID.
 *
 * Source: MySQL 5.7 sql/sys_vars.h, Sys_var_gtid_mode::global_update: a change of gtid_mode begins a new file. MariaDB gives every group a GTID.
 * @param nextStart GTID state before the next file's first group; null when that file does not say
 */
export function isNothingBetween(open: OpenEnd, nextStart: string | null, flavor: Flavor): boolean {
  const { file, gtidEnd, last, hasAnonymous } = open;
  if (gtidEnd === null || nextStart === null) return false;
  if (flavor === 'mysql' && (hasAnonymous || last?.file !== file || last.gtid === null)) return false;
  return parseGtidState(flavor, nextStart).equals(parseGtidState(flavor, gtidEnd));
}
