import type { Command } from 'commander';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { planText } from '../output/plan-text.ts';
import { planTarget } from '../plan-target.ts';
import { addTargetOptions, readTarget, type TargetFlags } from '../target-options.ts';

export function addPlan(program: Command, open: OpenCli): void {
  addTargetOptions(program.command('plan'))
    .description('Shows what a restore would do, how long it would take and what is missing. Changes nothing.')
    .addHelpText('after', examples('lastgood plan --before inc-7f3a90c1', 'lastgood plan --at 2026-11-22T10:00:00Z'))
    .action(async (flags: TargetFlags, command: Command) => {
      const cli = open(command);
      const target = readTarget(flags);
      using archive = await openConfiguredArchive(cli);
      const plan = await planTarget(cli, archive, target);
      cli.print(plan, () => planText(plan));
    });
}
