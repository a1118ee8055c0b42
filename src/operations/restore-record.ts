import { randomBytes } from 'node:crypto';
import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { Repository } from '../archive/repository.ts';
import type { Logger } from '../platform/logger.ts';
import type { Plan } from '../recovery/plan.ts';
import type { RanPlan } from '../recovery/run-phases.ts';

/** Sorts by time, UTC: `rehearsal-20261122-101500-3f9a`. */
export function newRecordId(purpose: 'rehearsal' | 'restore', now: Date): string {
  const [date = '', time = ''] = now.toISOString().replaceAll(/[-:]/g, '').split(/[T.]/);
  return `${purpose}-${date}-${time}-${randomBytes(2).toString('hex')}`;
}

/** What a plan that ran leaves for later estimates. */
export function recordOf(o: {
  id: string;
  startedAt: string;
  plan: Plan;
  ran: Pick<RanPlan, 'proof' | 'seconds'>;
}): RehearsalRecord {
  const { id, startedAt, plan, ran } = o;
  const { lineage, file, position, gtid } = plan.target.resolved;
  return {
    ...{ format: 1, id, startedAt, ok: ran.proof.ok },
    ...{ lineage, backup: plan.backup.id, file, position, gtid },
    ...{ backupBytes: plan.backup.bytes, replayedBytes: plan.bytes, groups: ran.proof.appliedGroups ?? plan.groups },
    seconds: ran.seconds,
  };
}

/** Keeps how long a restore took, where the repository can be written: a restore also works from a copy that cannot. */
export async function recordRestore(
  repository: Repository,
  o: { startedAt: Date; plan: Plan; ran: Pick<RanPlan, 'proof' | 'seconds'>; log: Logger },
): Promise<void> {
  const id = newRecordId('restore', o.startedAt);
  const record = { ...recordOf({ ...o, id, startedAt: o.startedAt.toISOString() }), purpose: 'restore' as const };
  try {
    await repository.writeRehearsal(record);
  } catch (error) {
    // Of the system, whatever it says: the server is restored all the same.
    if (!(error instanceof Error && 'code' in error)) throw error;
    o.log.info({ why: error.message }, 'how long the restore took is not recorded');
  }
}
