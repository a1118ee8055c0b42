import type { BackupRecord } from '../archive/backup-record.ts';
import type { LostSegment } from '../catalog/lost-segments.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { LineageView } from '../recovery/lineage-view.ts';
import { locate, type Located } from '../recovery/locate.ts';
import { meansTheEnd, refuseLostTail } from '../recovery/lost-tail.ts';
import type { Target } from '../recovery/plan.ts';
import { groupWords } from './group-words.ts';
import type { OpenArchive } from './open-archive.ts';

/** What a target is looked for in. */
export interface CutSource extends Pick<OpenArchive, 'repository' | 'catalog'> {
  /** All of the archive. */
  readonly views: readonly LineageView[];
  readonly lost: readonly LostSegment[];
  readonly backups: readonly BackupRecord[];
  /** Of the primary whose lineages are meant; without it all are looked at. */
  readonly name: string | undefined;
  /** See `LocateSource`. */
  readonly currentAt: (view: LineageView) => Promise<number | null>;
}

/** The cut that a target comes to, and the lineages that it was looked for in. @throws LastgoodError what `locate` throws, `ARCHIVE_DAMAGED` */
export async function findCut(
  { repository, catalog, views: all, lost, backups, name, currentAt }: CutSource,
  target: Target,
): Promise<{ located: Located; views: readonly LineageView[] }> {
  // An incident's id says whose log it stands in; every other target is a place in the configured primary's.
  const views = target.kind === 'before-incident' ? all : ofPrimary(all, name);
  const located = await locate(
    {
      ...{ views, backups, currentAt },
      incident: (id) => catalog.incident(id),
      describe: async (lineage, group) => await groupWords(repository, lineage, group),
    },
    target,
  );
  if (meansTheEnd(target, located)) {
    const { unreadable: damaged } = await repository.storedSegments(located.resolved.lineage);
    refuseLostTail(located, { views: all, lost, damaged });
  }
  return { located, views };
}

/** @throws LastgoodError `TARGET_UNREACHABLE` when nothing is archived under the name */
function ofPrimary(views: readonly LineageView[], name: string | undefined): LineageView[] {
  const own = views.filter(({ lineage }) => name === undefined || lineage.name === name);
  if (own.length > 0 || name === undefined) return own;
  const known = [...new Set(views.map(({ lineage }) => lineage.name))].join(', ');
  throw new LastgoodError('TARGET_UNREACHABLE', `nothing is archived of primary '${name}'`, {
    hint: known === '' ? 'Run `lastgood archive` first.' : `The repository holds: ${known}. Is primary.name right?`,
  });
}
