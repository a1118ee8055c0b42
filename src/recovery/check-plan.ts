import { createHash } from 'node:crypto';
import type { BackupRecord } from '../archive/backup-record.ts';
import { readSegmentFormat } from '../archive/read-segment.ts';
import { findRecord } from '../archive/stored-records.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import { LastgoodError } from '../platform/errors.ts';
import { whyNotWhole } from './examine-backup.ts';
import type { Plan, PlannedFile, PlanSegment } from './plan.ts';
import { segmentFinder } from './plan-ranges.ts';
import type { BarePlan } from './planner.ts';

/**
 * Writes down what of the archive a plan relies on.
 *
 * @throws LastgoodError `ARCHIVE_GAP`, `BACKUP_MISSING` for what went since it was planned
 */
export async function withReliance(repository: Repository, plan: BarePlan): Promise<Plan> {
  const files: PlannedFile[] = [];
  const findSegment = segmentFinder(repository);
  for (const { lineage, file, to } of lastParts(plan.segments)) {
    const segment = await findSegment({ lineage, file });
    if (segment === undefined) throw gone({ lineage, file });
    files.push({ lineage, file, to, sha256: segment.manifest?.sha256 ?? null, openedAt: await openedAt(segment) });
  }
  const backup = hashOf(await backupOf(repository, plan.backup.id));
  const whole = { ...plan, reliesOn: { backup, files } };
  return { ...whole, fingerprint: fingerprintOf(whole) };
}

/** What a plan aims at, does, needs and relies on, in one number: not its advice, nor how long it takes. */
export function fingerprintOf(plan: Omit<Plan, 'fingerprint'>): string {
  const { target, backup, segments, crossings, groups, bytes, diskBytes, reliesOn } = plan;
  const { skipped, skippedSegments, skips } = plan;
  return hashOf({
    ...{ target, backup, segments, crossings, groups, bytes, diskBytes, reliesOn },
    ...{ skipped, skippedSegments, skips },
  });
}

/**
 * Makes sure that the archive still has what a plan was made of: pruning, damage and another file under a name make it stale.
 * The bytes themselves are compared with their hashes while they are read.
 *
 * @throws LastgoodError `BACKUP_MISSING`, `REPOSITORY_UNREADABLE`, `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, naming the first thing that is missing or another one
 */
export async function checkPlan(repository: Repository, { backup, reliesOn }: Plan): Promise<void> {
  const record = await backupOf(repository, backup.id);
  const lack = await whyNotWhole(record, repository.backupFolder(record.id));
  if (lack !== null) throw stale('BACKUP_MISSING', `backup ${record.id} is not whole any more: ${lack}`);
  if (hashOf(record) !== reliesOn.backup)
    throw stale('BACKUP_MISSING', `backup ${record.id} is another one than when the plan was made`);
  const findSegment = segmentFinder(repository);
  for (const planned of reliesOn.files) await checkFile(await findSegment(planned), planned);
}

async function checkFile(segment: ArchivedSegment | undefined, planned: PlannedFile): Promise<void> {
  const { lineage, file, to, sha256 } = planned;
  if (segment === undefined) throw gone(planned);
  const name = `${file} of lineage ${lineage}`;
  const another = (): LastgoodError =>
    stale('ARCHIVE_DAMAGED', `${name} is not the file that it was when the plan was made`, segment.path);
  if (sha256 !== null && segment.manifest?.sha256 !== sha256) throw another();
  if (segment.bytes < to) {
    throw stale('ARCHIVE_DAMAGED', `${name} has ${segment.bytes} bytes, the plan needs it up to ${to}`, segment.path);
  }
  // A file that still grew has no hash; the time when it was opened tells it from another one of its name.
  if (sha256 === null && (await openedAt(segment)) !== planned.openedAt) throw another();
}

async function backupOf(repository: Repository, id: string): Promise<BackupRecord> {
  const record = findRecord(await repository.backups(), id);
  if (record !== null) return record;
  throw stale('BACKUP_MISSING', `backup ${id} of the plan is not in the repository any more`);
}

async function openedAt(segment: ArchivedSegment): Promise<number> {
  return segment.manifest?.openedAt ?? (await readSegmentFormat(segment)).format.time;
}

/** Of each file the last of its ranges: what is before it in the file is there as well. */
function lastParts(segments: readonly PlanSegment[]): PlanSegment[] {
  return [...new Map(segments.map((segment) => [`${segment.lineage}/${segment.file}`, segment])).values()];
}

function hashOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

function gone({ lineage, file }: Pick<PlannedFile, 'lineage' | 'file'>): LastgoodError {
  return stale('ARCHIVE_GAP', `${file} of lineage ${lineage} is not in the archive any more`);
}

function stale(
  code: 'BACKUP_MISSING' | 'ARCHIVE_GAP' | 'ARCHIVE_DAMAGED',
  message: string,
  path: string | null = null,
): LastgoodError {
  const look = code === 'ARCHIVE_DAMAGED' ? 'Run `lastgood verify`; then plan again' : 'Plan again';
  return new LastgoodError(code, message, {
    details: path === null ? {} : { path },
    hint: `${look} with \`lastgood plan\`: another backup may still reach the target. Nothing was written.`,
  });
}
