import { join } from 'node:path';
import type { Damage } from '../../archive/damage.ts';
import { compareCoordinates } from '../../binlog/coordinates.ts';
import { verifyHandOver } from '../../recovery/crossing.ts';
import type { LineageView } from '../../recovery/lineage-view.ts';
import { parentOf } from '../../recovery/timeline.ts';
import type { VerifyContext } from './verify-context.ts';

/**
 * Verifies what lineages say of the one before them: it is there, and where a hand-over is recorded both logs have the same
 * GTIDs there.
 *
 * @param isWhole tells the lineages that were read from their first to their last byte, without damage
 */
export async function verifyHandOvers(
  { repository }: VerifyContext,
  views: readonly LineageView[],
  isWhole: (lineage: string) => boolean,
): Promise<Damage[]> {
  const damages: Damage[] = [];
  for (const view of views.toReversed()) {
    const { id, parent, handOver } = view.lineage;
    if (parent === null) continue;
    const path = join(repository.lineageFolder(id), 'lineage.json');
    const before = parentOf(views, view);
    if (before === null) {
      damages.push({
        check: 'hand-over',
        path,
        offset: null,
        found: `lineage ${parent}, which it comes from, is not there`,
      });
    } else if (handOver !== null && isWhole(id) && isWhole(parent) && isReached(view, handOver.child)) {
      const held = await verifyHandOver(before, view);
      if (typeof held === 'string') damages.push({ check: 'hand-over', path, offset: null, found: held });
    }
  }
  return damages;
}

/** The child's archive begins before the place, at its file's start: at first it may not have come there yet. */
function isReached({ segments }: LineageView, place: { file: string; position: number }): boolean {
  const last = segments.at(-1)?.digest;
  return last !== undefined && compareCoordinates({ file: last.file, position: last.indexedTo }, place) >= 0;
}
