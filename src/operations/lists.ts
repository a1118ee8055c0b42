import type { BackupRecord } from '../archive/backup-record.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { SegmentDigest } from '../archive/manifest.ts';
import { examineBackup } from '../recovery/examine-backup.ts';
import { openLineageViews } from '../recovery/lineage-view.ts';
import type { OpenArchive } from './open-archive.ts';

/** A backup, and whether a restore could start from it now. */
export type ListedBackup = BackupRecord & { readonly usable: boolean; readonly why: string | null };

/** Lists the backups, oldest first. Each is looked up in the archive: usable is what the bytes say, not a memory. */
export async function listBackups(archive: OpenArchive, signal?: AbortSignal): Promise<ListedBackup[]> {
  const views = await openLineageViews({ ...archive, signal });
  const listed: ListedBackup[] = [];
  const { repository } = archive;
  for (const record of await repository.backups()) {
    const { why } = await examineBackup(views, record, repository.backupFolder(record.id));
    listed.push({ ...record, usable: why === null, why });
  }
  return listed;
}

/** One archived file. */
export interface ListedSegment extends SegmentDigest {
  readonly lineage: string;
  readonly state: 'open' | 'sealed';
  /** Of the plain file, and as stored. */
  readonly bytes: number;
  readonly storedBytes: number;
  readonly sha256: string | null;
}

/** Lists the archived files of every lineage, in the order of their log. */
export async function listSegments({ repository, catalog }: OpenArchive): Promise<ListedSegment[]> {
  const listed: ListedSegment[] = [];
  for (const { id } of catalog.lineages()) {
    const stored = new Map((await repository.segments(id)).map((segment) => [segment.file, segment]));
    for (const { digest, state, lineage } of catalog.segments(id)) {
      const segment = stored.get(digest.file);
      if (segment === undefined) continue;
      const { bytes, manifest } = segment;
      const storedBytes = manifest?.storedBytes ?? bytes;
      listed.push({ lineage, state, bytes, storedBytes, sha256: manifest?.sha256 ?? null, ...digest });
    }
  }
  return listed;
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
