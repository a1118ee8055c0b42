import { compareFiles, type Coordinates } from '../binlog/coordinates.ts';
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
  const newestFirst = catalog
    .lineages()
    .filter((lineage) => lineage.name === name)
    .toReversed()
    .map(({ id }) => catalog.segments(id).toSorted((a, b) => compareFiles(b.digest.file, a.digest.file)))
    .filter(({ length }) => length > 0);
  const newest = newestFirst[0]?.[0]?.digest;
  const last = newestFirst.flat().find(({ digest }) => digest.last !== null)?.digest.last;
  return {
    end: newest === undefined ? null : { file: newest.file, position: newest.indexedTo },
    lastTime: last?.time ?? null,
    archiverRunning: await isArchiverAlive(repository, name),
  };
}
