import { compareFiles } from '../../binlog/coordinates.ts';
import { lastCheckpoint, openLineageViews, type LineageView } from '../../recovery/lineage-view.ts';
import type { ResolvedTarget } from '../../recovery/plan.ts';
import type { OpenArchive } from '../open-archive.ts';

/** What the archive holds behind a restore's cut: it is not in the restored server. */
export interface BehindCut {
  readonly groups: number;
  /** Where the archive ended when somebody looked; later lineages are not counted. */
  readonly file: string;
  readonly position: number;
}

/** Counts it from the catalog, and at most a MiB of the log. null when the archive does not have that place any more. */
export async function readBehindCut(
  archive: Pick<OpenArchive, 'repository' | 'catalog'>,
  { lineage, file, position }: Pick<ResolvedTarget, 'lineage' | 'file' | 'position'>,
): Promise<BehindCut | null> {
  const view = (await openLineageViews(archive)).find((one) => one.lineage.id === lineage);
  const segments = view?.segments.filter(({ digest }) => compareFiles(digest.file, file) >= 0) ?? [];
  const last = segments.at(-1)?.digest;
  if (view === undefined || last === undefined || segments[0]?.digest.file !== file) return null;
  const all = segments.reduce((sum, { digest }) => sum + digest.groups, 0);
  return {
    groups: all - (await groupsBefore(view, { file, position })),
    file: last.file,
    position: last.indexedTo,
  };
}

async function groupsBefore(
  view: LineageView,
  { file, position }: Pick<ResolvedTarget, 'file' | 'position'>,
): Promise<number> {
  const checkpoint = lastCheckpoint(view.checkpoints(file), ({ offset }) => offset <= position);
  let groups = checkpoint?.groupsBefore ?? 0;
  await view.readGroups(file, checkpoint, ({ end }) => {
    if (end > position) return false;
    groups += 1;
    return true;
  });
  return groups;
}
