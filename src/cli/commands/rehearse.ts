import type { Command } from 'commander';
import { rehearse } from '../../operations/rehearse.ts';
import type { OpenCli } from '../cli.ts';
import { parseDatadir } from '../datadir-option.ts';
import { examples } from '../examples.ts';
import { startRestoreBars } from '../output/progress.ts';
import { rehearseText } from '../output/restore-text.ts';
import { addTargetOptions, hasTarget, readTarget, type TargetFlags } from '../target-options.ts';

interface RehearseFlags extends TargetFlags {
  readonly datadir?: string;
  readonly acceptConflicts?: true;
}

export function addRehearse(program: Command, open: OpenCli): void {
  addTargetOptions(program.command('rehearse'))
    .description(
      'Restores in a scratch server, proves it, records how long it took, and throws the server away. Without a ' +
        "target it restores to where the replica stands, and compares every table with the replica's.",
    )
    .option(
      '--datadir <dir>',
      "the scratch server's data folder, on a disk with room; must not exist or be empty",
      parseDatadir,
    )
    .option('--accept-conflicts', 'run also a plan whose skipped transactions may clash with later ones')
    .addHelpText(
      'after',
      examples(
        'lastgood rehearse',
        'lastgood rehearse --datadir /srv/rehearsal',
        'lastgood rehearse --before inc-7f3a90c1',
        'lastgood rehearse --latest --skip inc-7f3a90c1 --accept-conflicts',
      ),
    )
    .action(async (flags: RehearseFlags, command: Command) => {
      const cli = open(command);
      const target = hasTarget(flags) || flags.skip !== undefined ? readTarget(flags) : undefined;
      const settings = target === undefined ? await cli.settings() : await cli.offlineSettings();
      using bars = startRestoreBars(cli.showsProgress);
      const result = await rehearse({
        settings,
        target,
        skip: flags.skip,
        acceptConflicts: flags.acceptConflicts === true,
        datadir: flags.datadir,
        log: cli.logger,
        progress: bars.update,
        signal: cli.signal,
      });
      cli.print(result, (shown) => rehearseText(shown, cli.paint));
    });
}
