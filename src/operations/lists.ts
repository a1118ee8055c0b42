import type { Lineage } from '../archive/lineage.ts';
import type { SegmentDigest } from '../archive/manifest.ts';
import { formOf, PLAIN, type StoredForm } from '../archive/stored-form.ts';
import { LastgoodError } from '../platform/errors.ts';
import { formatSeconds } from '../platform/time.ts';
import { openLineageViews } from '../recovery/lineage-view.ts';
import { parseTime } from '../recovery/target.ts';
import { examineStored } from './examine-backups.ts';
import { listedBackups, type ListedBackup } from './listed-backup.ts';
import type { OpenArchive } from './open-archive.ts';

/** Lists the backups, oldest first. Each is looked up in the archive: usable is what the bytes say, not a memory. */
export async function listBackups(archive: OpenArchive, signal?: AbortSignal): Promise<ListedBackup[]> {
  const views = await openLineageViews({ ...archive, signal });
  return listedBackups(await examineStored(archive.repository, views));
}

/** One archived file. */
export interface ListedSegment extends SegmentDigest {
  readonly lineage: string;
  readonly state: 'open' | 'sealed';
  /** Of the plain file, and as stored. */
  readonly bytes: number;
  readonly storedBytes: number;
  readonly compression: StoredForm['compression'];
  /** null: stored in clear. */
  readonly encryption: StoredForm['encryption'];
  readonly sha256: string | null;
  /** RFC 3339, UTC: earliest and latest time of a transaction in it; null while there is none. */
  readonly from: string | null;
  readonly to: string | null;
}

/** Which archived files to list; everything left out matches. */
export interface SegmentFilter {
  /** A lineage's id. */
  readonly lineage?: string | undefined;
  /** RFC 3339 with zone: only files with a transaction of that time or later. */
  readonly since?: string | undefined;
}

/**
 * Lists the archived files, lineage by lineage, in the order of their log.
 *
 * @throws LastgoodError `TARGET_UNREACHABLE` for a lineage that is not archived, `TIME_INVALID`
 */
export async function listSegments(archive: OpenArchive, filter: SegmentFilter = {}): Promise<ListedSegment[]> {
  const since = filter.since === undefined ? -Infinity : parseTime(filter.since);
  const known = archive.catalog.lineages().map(({ id }) => id);
  const { lineage } = filter;
  if (lineage !== undefined && !known.includes(lineage)) throw noLineage(lineage);
  const listed: ListedSegment[] = [];
  for (const id of lineage === undefined ? known : [lineage]) listed.push(...(await segmentsOf(archive, id)));
  return listed.filter(({ maxTime }) => (maxTime ?? -Infinity) >= since);
}

async function segmentsOf({ repository, catalog }: OpenArchive, id: string): Promise<ListedSegment[]> {
  const stored = new Map((await repository.segments(id)).map((segment) => [segment.file, segment]));
  const listed: ListedSegment[] = [];
  for (const { digest, state, lineage } of catalog.segments(id)) {
    const segment = stored.get(digest.file);
    if (segment === undefined) continue;
    const { bytes, manifest } = segment;
    const storedBytes = manifest?.storedBytes ?? bytes;
    const form = manifest === null ? PLAIN : formOf(manifest);
    const times = { from: timeOf(digest.minTime), to: timeOf(digest.maxTime) };
    listed.push({ lineage, state, bytes, storedBytes, ...form, sha256: manifest?.sha256 ?? null, ...digest, ...times });
  }
  return listed;
}

function timeOf(seconds: number | null): string | null {
  return seconds === null ? null : formatSeconds(seconds);
}

/** The error for a lineage that somebody asks for by its id. */
export function noLineage(id: string): LastgoodError {
  return new LastgoodError('TARGET_UNREACHABLE', `there is no lineage '${id}'`, {
    hint: '`lastgood lineages` lists what is archived.',
  });
}

/** A lineage and what is archived of it. */
export interface ListedLineage extends Lineage {
  readonly segments: number;
  readonly groups: number;
  /** RFC 3339, UTC: first and last archived group; null while there is none. */
  readonly from: string | null;
  readonly to: string | null;
  readonly gtidEnd: string | null;
}

/** Lists the lineages in the order they began. */
export function listLineages({ catalog }: OpenArchive): ListedLineage[] {
  return catalog.lineages().map((lineage) => {
    const digests = catalog.segments(lineage.id).map(({ digest }) => digest);
    return {
      ...lineage,
      segments: digests.length,
      groups: digests.reduce((sum, { groups }) => sum + groups, 0),
      from: digests.find(({ first }) => first !== null)?.first?.time ?? null,
      to: digests.findLast(({ last }) => last !== null)?.last?.time ?? null,
      gtidEnd: digests.at(-1)?.gtidEnd ?? null,
    };
  });
}
