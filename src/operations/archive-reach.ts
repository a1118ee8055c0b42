import type { Coordinates } from '../binlog/coordinates.ts';
import { isArchiverAlive, type OpenArchive } from './open-archive.ts';

/** How far what is archived reaches, and whether it goes on. */
export interface ArchiveReach {
  /** Of the newest lineage that holds something; null while nothing is archived. */
  readonly end: Coordinates | null;
  /** When the last archived transaction was committed, RFC 3339, UTC; null while there is none. */
  readonly lastTime: string | null;
  readonly archiverRunning: boolean;
}

/** Tells up to where the log of the primary called `name` is in the archive: lists made from it say nothing of what came after. */
export async function readReach({ repository, catalog }: OpenArchive, name: string): Promise<ArchiveReach> {
  const ids = catalog.lineages().flatMap((lineage) => (lineage.name === name ? [lineage.id] : []));
  const newest = ids.map((id) => catalog.newestSegment(id)?.digest).findLast((digest) => digest !== undefined);
  const last = ids
    .map((id) => catalog.newestSegment(id, { withGroups: true })?.digest.last)
    .findLast((group) => group !== undefined && group !== null);
  return {
    end: newest === undefined ? null : { file: newest.file, position: newest.indexedTo },
    lastTime: last?.time ?? null,
    archiverRunning: await isArchiverAlive(repository, name),
  };
}
