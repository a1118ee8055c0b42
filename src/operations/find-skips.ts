import { incidentUnknown } from '../recovery/incident-errors.ts';
import { findSkip } from '../recovery/find-skip.ts';
import type { LineageView } from '../recovery/lineage-view.ts';
import type { Target } from '../recovery/plan.ts';
import { refuseHarmless, type Skip } from '../recovery/skip.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { OpenArchive } from './open-archive.ts';

/** Where incidents are looked for. */
interface SkipsSource extends Pick<OpenArchive, 'repository' | 'catalog'> {
  readonly views: readonly LineageView[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the incidents that a plan is to leave out, each once, with all groups that they are made of.
 *
 * @throws LastgoodError `INCIDENT_UNKNOWN`, `USAGE` for one that did nothing or is the target itself, and what `findSkip` throws
 */
export async function findSkips(
  { repository, catalog, views, signal }: SkipsSource,
  { target, ids }: { target: Target; ids: readonly string[] },
): Promise<Skip[]> {
  const skips: Skip[] = [];
  for (const id of new Set(ids)) {
    const incident = catalog.incident(id);
    if (incident === null) throw incidentUnknown(id);
    refuseHarmless(incident, target);
    const view = views.find(({ lineage }) => lineage.id === incident.lineage);
    if (view === undefined) {
      const lineage = incident.lineage ?? 'unknown';
      throw new LastgoodError('TARGET_UNREACHABLE', `lineage ${lineage} of incident ${id} is not in the archive`);
    }
    skips.push(await findSkip({ view, segments: await repository.segments(view.lineage.id), signal }, incident));
  }
  return skips;
}
