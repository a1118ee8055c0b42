import { orClosed, sealCrashed, type ArchiveEnd } from '../archive/archive-end.ts';
import type { SourceIncident } from '../archive/ledger.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { PackThread } from '../archive/pack-thread.ts';
import type { Repository } from '../archive/repository.ts';
import type { SegmentUpdate } from '../archive/segment-indexer.ts';
import type { Logger } from '../platform/logger.ts';
import { continuesAfterCrash } from './archive-start.ts';
import { isBrokenOff } from './broken-off.ts';
import type { Source } from './source-log.ts';

interface TornFileOptions {
  readonly repository: Repository;
  readonly lineage: Lineage;
  readonly packs: PackThread | null;
  readonly onSourceIncident: (loss: SourceIncident) => void;
  readonly log: Logger;
}

/**
 * Seals the open segment of a file that its source cannot read to its end, once it is certain that nothing but a torn end is
 * lost by that. Null when it is not: the end stays as it is.
 */
export async function sealTornFile(
  end: ArchiveEnd,
  source: Source,
  options: TornFileOptions,
): Promise<{ end: ArchiveEnd; update: SegmentUpdate } | null> {
  const { open } = end;
  if (open === null || !(await orClosed(end, () => isContinued(open, source)))) return null;
  const sourceBytes = source.logs.find(({ file }) => file === open.file)?.bytes ?? open.size;
  const crashed = await sealCrashed({ ...end, open }, { ...options, sourceBytes });
  options.log.warn(
    { file: open.file, tornBytes: sourceBytes - open.wholeTo },
    'the source crashed while writing this file: its torn end is lost there too',
  );
  return crashed;
}

/** Where not even the next file can be read, nothing is certain. */
async function isContinued(...[open, source]: Parameters<typeof continuesAfterCrash>): Promise<boolean> {
  try {
    return await continuesAfterCrash(open, source);
  } catch (error) {
    if (isBrokenOff(error)) return false;
    throw error;
  }
}
