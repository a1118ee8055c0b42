import type { OpenArchive } from '../operations/open-archive.ts';
import { findDelayedReplica, type DelayedReplica } from '../operations/delayed-replica.ts';
import { makePlan } from '../operations/plan.ts';
import type { Plan } from '../recovery/plan.ts';
import type { Cli } from './cli.ts';
import { startRestoreBars } from './output/progress.ts';
import { settingsAtHand } from './settings-at-hand.ts';
import type { Aim } from './target-options.ts';

/** Plans a target. Only a time can lie after the archive's end, so only then is the primary asked whether it has more. */
export async function planTarget(cli: Cli, archive: OpenArchive, { target, skip, backup }: Aim): Promise<Plan> {
  const { name } = (await cli.offlineSettings()).primary;
  using bars = startRestoreBars(cli.showsProgress);
  const primary = target.kind === 'at' ? ((await settingsAtHand(cli))?.primary ?? null) : null;
  return await makePlan(archive, target, {
    name,
    skip,
    backup,
    progress: bars.update,
    signal: cli.signal,
    ...(primary === null ? {} : { primary }),
  });
}

/** Whether the configured replica is delayed and stands before the plan's cut; null also where it cannot be asked. */
export async function delayedReplica(cli: Cli, archive: OpenArchive, plan: Plan): Promise<DelayedReplica | null> {
  const replica = (await settingsAtHand(cli))?.replica ?? null;
  return replica === null ? null : await findDelayedReplica(plan, replica, archive.catalog.lineages());
}
