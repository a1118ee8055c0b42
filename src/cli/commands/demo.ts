import type { Command } from 'commander';
import { demo } from '../../operations/demo.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';

export function addDemo(program: Command, open: OpenCli): void {
  program
    .command('demo')
    .description(
      'Plays a whole accident on this machine, in a temporary folder: primary, replica, archive, backup, ' +
        'DROP DATABASE, find, restore, proof. Needs a local MariaDB and no configuration.',
    )
    .option('--keep', 'leave the folder with everything in it; its servers are stopped')
    .addHelpText('after', examples('lastgood demo', 'lastgood demo --keep'))
    .action(async (options: { keep?: true }, command: Command) => {
      const cli = open(command);
      const result = await demo({
        tell: (line) => {
          cli.tell(line);
        },
        keep: options.keep === true,
        log: cli.storyLogger,
        signal: cli.signal,
      });
      if (cli.json) cli.print(result, () => '');
    });
}
