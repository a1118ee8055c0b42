import type { OpenArchive } from '../operations/open-archive.ts';
import { makePlan } from '../operations/plan.ts';
import type { PrimarySettings } from '../operations/settings.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { Plan, Target } from '../recovery/plan.ts';
import type { Cli } from './cli.ts';

/** Plans a target. Only a time can lie after the archive's end, so only then is the primary asked whether it has more. */
export async function planTarget(cli: Cli, archive: OpenArchive, target: Target): Promise<Plan> {
  const { name } = (await cli.offlineSettings()).primary;
  const primary = target.kind === 'at' ? await primaryAtHand(cli) : null;
  return await makePlan(archive, target, { name, signal: cli.signal, ...(primary === null ? {} : { primary }) });
}

/** A restore must work where the servers' passwords are not at hand: null then. */
async function primaryAtHand(cli: Cli): Promise<PrimarySettings | null> {
  try {
    return (await cli.settings()).primary;
  } catch (error) {
    if (isLastgoodError(error, 'FILE_UNREADABLE') || isLastgoodError(error, 'CONFIG_INVALID')) return null;
    throw error;
  }
}
