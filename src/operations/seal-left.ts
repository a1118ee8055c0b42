import { readArchiveEnd, sealCrashed } from '../archive/archive-end.ts';
import { healSealing } from '../archive/heal-sealing.ts';
import type { SourceIncident } from '../archive/ledger.ts';
import { currentLineage, type Lineage } from '../archive/lineage.ts';
import type { PackThread } from '../archive/pack-thread.ts';
import type { Repository } from '../archive/repository.ts';
import type { SegmentUpdate } from '../archive/segment-indexer.ts';
import { isDiskFull } from '../platform/disk-full.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';

interface SealOptions {
  readonly packs: PackThread | null;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Told of each, for the catalog. */
  readonly onSealed: (lineage: Lineage, update: SegmentUpdate) => void;
  /** Told of each loss that the source reported and that was not in the ledger. */
  readonly onSourceIncident?: (loss: SourceIncident) => void;
}

/**
 * Seals what is still open in lineages of a [primary] name that are archived no further: it is complete, and only sealed
 * segments are compressed and encrypted. One that cannot be sealed is told of and left: a damaged past must not keep the
 * present from being archived. The caller holds the archiver's lock.
 *
 * @throws LastgoodError `INTERRUPTED`, `STORAGE_FAILED` when the disk is full
 */
export async function sealLeftLineages(repository: Repository, name: string, options: SealOptions): Promise<void> {
  const lineages = (await repository.lineages()).filter((lineage) => lineage.name === name);
  const current = currentLineage(lineages, name);
  for (const lineage of lineages) {
    if (lineage.id === current?.id) continue;
    try {
      await healSealing(repository, lineage.id); // no plain bytes stay beside a sealed form: nobody else looks there again
      const segments = await repository.segments(lineage.id);
      if (segments.some(({ state }) => state === 'open')) await sealOpen(repository, lineage, options);
    } catch (error) {
      if (isDiskFull(error) || isLastgoodError(error, 'INTERRUPTED') || !isLastgoodError(error)) throw error;
      options.log.error(
        { lineage: lineage.id, error: error.message, hint: error.hint },
        'cannot seal what is open in an earlier lineage',
      );
    }
  }
}

/** Wrong bytes at its end, which the source will not send again now, are left for a person to look at. */
async function sealOpen(repository: Repository, lineage: Lineage, options: SealOptions): Promise<void> {
  const end = await readArchiveEnd(repository, lineage, options.signal);
  const { open } = end;
  if (open === null) return;
  if (end.damage !== null) {
    await open.close();
    return;
  }
  const sourceBytes = open.wholeTo; // what its server had behind that is not known any more
  const { update } = await sealCrashed({ ...end, open }, { ...options, repository, lineage, sourceBytes });
  options.onSealed(lineage, update);
}
