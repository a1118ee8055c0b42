/**
 * What was lost of a primary's history, told to a person. Enters: the ledger, the archive's folders, the backups.
 * Leaves: findings; what a backup has left behind stays in them, as information.
 */
import type { BackupRecord } from '../archive/backup-record.ts';
import type { LedgerEntry, Stranded } from '../archive/ledger.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { Repository } from '../archive/repository.ts';
import type { Finding } from './finding.ts';

/** A primary's losses, and what tells whether a restore may still meet them. */
export interface LossContext {
  readonly losses: readonly LedgerEntry[];
  /** Of the primary, in the order they began. */
  readonly lineages: readonly Pick<Lineage, 'id'>[];
  /** Those that can be restored, once for each lineage in which they stand. */
  readonly backups: readonly {
    readonly id: string;
    readonly finishedAt: string;
    readonly primary: Pick<BackupRecord['primary'], 'lineage'>;
  }[];
}

/** The ledger's entries about one primary. One whose lineage is gone from the archive is shown rather than dropped. */
export async function lossesOf(repository: Repository, primaryName: string): Promise<LedgerEntry[]> {
  const others = (await repository.lineages()).filter(({ name }) => name !== primaryName).map(({ id }) => id);
  return (await repository.ledger.entries()).filter(({ lineage }) => !others.includes(lineage));
}

/** One finding for each entry. Pure. */
export function lossFindings(context: LossContext): Finding[] {
  return context.losses.map((loss) => {
    const told = tell(loss);
    const object = loss.lineage;
    const behind = whatIsBehind(loss, context);
    if (behind === null) return { ...told, check: loss.kind, object };
    const fix = `Nothing to do: ${behind}. Only restores that start before it meet this place.`;
    return { severity: 'info', check: loss.kind, object, found: told.found, fix };
  });
}

/** The backup that stands behind it, in words: taken after it was noticed, or of a lineage that followed. null: none does. */
function whatIsBehind(loss: LedgerEntry, { lineages, backups }: LossContext): string | null {
  const child = 'child' in loss ? lineages.findIndex(({ id }) => id === loss.child) : -1;
  const later = child < 0 ? [] : lineages.slice(child).map(({ id }) => id);
  if (backups.some(({ finishedAt }) => Date.parse(finishedAt) > Date.parse(loss.noticedAt)))
    return 'a backup was taken since';
  const found = backups.find(({ primary }) => primary.lineage !== null && later.includes(primary.lineage));
  return found === undefined ? null : `backup ${found.id} stands in lineage ${found.primary.lineage ?? ''}, behind it`;
}

const TAKE_BACKUP = 'Take a backup now: `lastgood backup`. No restore can cross this place.';

function tell(loss: LedgerEntry): Pick<Finding, 'severity' | 'found' | 'fix'> {
  const { from, to, why } = loss;
  switch (loss.kind) {
    case 'gap':
      return {
        severity: 'error',
        found: `everything from ${from} to ${to} is missing for good: ${why}`,
        fix: TAKE_BACKUP,
      };
    case 'break':
      return {
        severity: 'error',
        found: `its history ends at ${from}; ${loss.child} begins anew at ${to}: ${why}`,
        fix: TAKE_BACKUP,
      };
    case 'stranded':
      return {
        severity: 'warning',
        found: `${strandedGroups(loss)} from ${from} to ${to} reached only the old primary, not ${loss.child}: ${why}`,
        fix: `Are these writes missed? \`lastgood export --lineage ${loss.lineage} --from ${from} --to ${to} --out DIR\` writes them out. Restores to the present leave them out.`,
      };
    case 'source-incident':
      return {
        severity: 'error',
        found: `at ${from} ${why}`,
        fix: `Read the primary's error log of that time. ${TAKE_BACKUP}`,
      };
    default:
      return tellUnknown(loss);
  }
}

/** Written by a later version. */
function tellUnknown({
  kind,
  from,
  to,
  why,
}: {
  kind: string;
  from: string;
  to: string;
  why: string;
}): ReturnType<typeof tell> {
  return { severity: 'error', found: `a loss of kind '${kind}' from ${from} to ${to}: ${why}`, fix: TAKE_BACKUP };
}

function strandedGroups({ groups, firstGtid, lastGtid }: Stranded): string {
  const count = groups === 1 ? '1 transaction' : `${groups} transactions`;
  if (firstGtid === null || lastGtid === null) return count;
  return firstGtid === lastGtid ? `${count} (${firstGtid})` : `${count} (${firstGtid} to ${lastGtid})`;
}
