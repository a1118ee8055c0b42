import type { BackupRecord } from '../archive/backup-record.ts';
import { findRecord, type StoredRecords } from '../archive/stored-records.ts';
import type { LostSegment } from '../catalog/lost-segments.ts';
import { attributeBackup } from '../recovery/attribute-backup.ts';
import { withReliance } from '../recovery/check-plan.ts';
import { findWay } from '../recovery/crossing.ts';
import { openLineageViews, type LineageView } from '../recovery/lineage-view.ts';
import type { Plan, Target } from '../recovery/plan.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { examineBackups } from './examine-backups.ts';
import { archivedTo, readExposure, type ArchivedTo } from './exposure.ts';
import { findCut } from './find-cut.ts';
import { findSkips } from './find-skips.ts';
import type { OpenArchive } from './open-archive.ts';
import { lostInWords, withLoss } from '../recovery/lost-tail.ts';
import { planRestore } from '../recovery/planner.ts';
import type { AnalysisProgress } from './skip/consequences-of.ts';

interface PlanOptions {
  readonly name?: string;
  /** Ids of incidents. */
  readonly skip?: readonly string[];
  /** Only this one, by its id. */
  readonly backup?: string | undefined;
  readonly primary?: ServerOptions;
  readonly now?: Date;
  /** Of looking at what comes of skips, which reads the log. */
  readonly progress?: ((progress: AnalysisProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Plans a restore: finds the target in the archive, chooses backup and segments, counts. Changes nothing; the plan is
 * what `restore` and `rehearse` run.
 *
 * @param options.name of the primary whose lineages are meant; without it all are looked at
 * @param options.skip incidents before the target that are left out
 * @param options.primary asked, if it can be, whether it has written anything since the archive's end, when the target
 *   is a time after that
 * @throws LastgoodError `TARGET_UNREACHABLE`, `INCIDENT_UNKNOWN`, `BACKUP_MISSING`, `ARCHIVE_GAP`, `GTID_INVALID`,
 *   `COORDINATES_INVALID`, `TIME_INVALID`, `ARCHIVE_DAMAGED`, `USAGE` for a skip of what did nothing, `REPOSITORY_UNREADABLE` also
 *   for `options.backup`
 */
export async function makePlan(
  { repository, catalog }: Pick<OpenArchive, 'repository' | 'catalog'>,
  target: Target,
  options: PlanOptions = {},
): Promise<Plan> {
  const all = await openLineageViews({ repository, catalog, signal: options.signal });
  const known = { views: all, lost: catalog.lost() };
  try {
    return await planIn({ repository, catalog }, { target, known }, options);
  } catch (error) {
    throw withLoss(error, known);
  }
}

async function planIn(
  { repository, catalog }: Pick<OpenArchive, 'repository' | 'catalog'>,
  { target, known }: { target: Target; known: { views: readonly LineageView[]; lost: readonly LostSegment[] } },
  { name, skip = [], backup, primary, now = new Date(), progress, signal }: PlanOptions,
): Promise<Plan> {
  const { views: all, lost } = known;
  const stored = onlyBackup(await repository.backups(), backup);
  const backups: BackupRecord[] = [];
  for (const record of stored.records) backups.push(...(await attributeBackup(all, record)));
  const currentIn = async (view: LineageView): Promise<number | null> =>
    view.lineage.name === primary?.name ? await currentAt(archivedTo(catalog, view.lineage), primary) : null;
  const { located, views } = await findCut(
    { repository, catalog, ...known, backups, name, currentAt: currentIn },
    target,
  );
  const { resolved, view, groupsBefore, last, warnings } = located;
  const skips = await findSkips({ repository, catalog, views: all, signal }, { target, ids: skip });
  const way = await findWay(views, view, resolved);
  const plan = planRestore({
    target,
    resolved,
    groupsBefore,
    last,
    skips,
    backups: await examineBackups(backups, { repository, views, cut: resolved, way, skips }),
    unreadable: stored.unreadable.map(({ id, error }) => ({ id, why: error.message })),
    way,
    incidents: way.legs.flatMap(({ lineage }) => catalog.incidents({ lineage })),
    losses: await repository.ledger.entries(),
    // Only estimates rest on them: a damaged one is told of by `status` and `verify`.
    rehearsals: (await repository.rehearsals()).records,
    warnings: [...warnings, ...lost.map((item) => `${lostInWords(item, all)}: run \`lastgood verify\``)],
    now: now.getTime() / 1000,
  });
  if (skips.length === 0) return await withReliance(repository, plan);
  const { withConsequences } = await import('./skip/consequences-of.ts'); // much to load: the archiver, which plans too, never skips
  return await withReliance(repository, await withConsequences(plan, skips, { repository, progress, signal }));
}

/** The one that was asked for, or all. @throws LastgoodError `REPOSITORY_UNREADABLE` when it is the one that cannot be read */
function onlyBackup(stored: StoredRecords<BackupRecord>, id: string | undefined): StoredRecords<BackupRecord> {
  if (id === undefined) return stored;
  const record = findRecord(stored, id);
  return { records: record === null ? [] : [record], unreadable: [] };
}

/** The source's clock when it had nothing that the archive had not; null when it had, or cannot be asked. */
async function currentAt(archived: ArchivedTo | null, primary: ServerOptions): Promise<number | null> {
  if (archived === null) return null;
  const { exposure, asOf } = await readExposure(primary, archived);
  // Of the present second more may still come.
  return exposure.seconds === 0 && exposure.groups === 0 && asOf !== null ? asOf - 1 : null;
}
