import { resolve } from 'node:path';
import type { Command } from 'commander';
import { freeBytes } from '../../recovery/disk-space.ts';
import type { OpenCli } from '../cli.ts';
import { parseDatadir } from '../datadir-option.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { planText } from '../output/plan-text.ts';
import { delayedReplica, planTarget } from '../plan-target.ts';
import { addTargetOptions, readAim, type TargetFlags } from '../target-options.ts';

interface PlanFlags extends TargetFlags {
  readonly datadir?: string;
}

export function addPlan(program: Command, open: OpenCli): void {
  addTargetOptions(program.command('plan'))
    .description('Shows what a restore would do, how long it would take and what is missing. Changes nothing.')
    .option('--datadir <dir>', 'also tell how much is free there', parseDatadir)
    .addHelpText(
      'after',
      examples(
        'lastgood plan --before inc-7f3a90c1',
        'lastgood plan --at 2026-11-22T10:00:00Z --datadir /srv/restored',
        'lastgood plan --latest --skip inc-7f3a90c1 --json > plan.json',
      ),
    )
    .action(async (flags: PlanFlags, command: Command) => {
      const cli = open(command);
      const aim = readAim(flags);
      using archive = await openConfiguredArchive(cli);
      const plan = await planTarget(cli, archive, aim);
      const path = flags.datadir === undefined ? null : resolve(flags.datadir);
      const datadir = path === null ? null : { path, freeBytes: await freeBytes(path) };
      const around = { datadir, delayedReplica: await delayedReplica(cli, archive, plan) };
      cli.print({ ...plan, ...around }, (shown) => planText(shown, shown, cli.runnable));
      const hasRoom = datadir === null || datadir.freeBytes >= plan.diskBytes;
      if (plan.warnings.length > 0 || plan.skips.some(({ verdict }) => verdict !== 'safe') || !hasRoom) cli.warn();
    });
}
