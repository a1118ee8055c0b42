import { readArchiveEnd, sealCrashed } from '../archive/archive-end.ts';
import { currentLineage, type Lineage } from '../archive/lineage.ts';
import type { PackThread } from '../archive/pack-thread.ts';
import type { Repository } from '../archive/repository.ts';
import type { SegmentUpdate } from '../archive/segment-indexer.ts';

interface SealOptions {
  readonly packs: PackThread | null;
  readonly signal: AbortSignal;
  /** Told of each, for the catalog. */
  readonly onSealed: (lineage: Lineage, update: SegmentUpdate) => void;
}

/**
 * Seals what is still open in lineages of a [primary] name that are archived no further: it is complete, and only sealed
 * segments are compressed and encrypted. The caller holds the archiver's lock.
 */
export async function sealLeftLineages(repository: Repository, name: string, options: SealOptions): Promise<void> {
  const lineages = (await repository.lineages()).filter((lineage) => lineage.name === name);
  const current = currentLineage(lineages, name);
  for (const lineage of lineages) {
    if (lineage.id === current?.id) continue;
    const segments = await repository.segments(lineage.id);
    if (segments.some(({ state }) => state === 'open')) await sealOpen(repository, lineage, options);
  }
}

/** Wrong bytes at its end, which the source will not send again now, are left for a person to look at. */
async function sealOpen(
  repository: Repository,
  lineage: Lineage,
  { packs, signal, onSealed }: SealOptions,
): Promise<void> {
  const end = await readArchiveEnd(repository, lineage, signal);
  const { open } = end;
  if (open === null) return;
  if (end.damage !== null) {
    await open.close();
    return;
  }
  const sourceBytes = open.wholeTo; // what its server had behind that is not known any more
  const { update } = await sealCrashed({ ...end, open }, { repository, lineage: lineage.id, sourceBytes, packs });
  onSealed(lineage, update);
}
