import type { Command } from 'commander';
import type { Pin } from '../../archive/pins.ts';
import { pinById, unpinById } from '../../operations/pins.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';

export function addPin(program: Command, open: OpenCli): void {
  program
    .command('pin')
    .argument('<id>', 'of an incident or of a backup')
    .description('Keeps a backup from being deleted, with the segments that a restore to before an incident needs.')
    .option('--reason <text>', 'shown by `lastgood status`', 'pinned by hand')
    .addHelpText('after', examples('lastgood pin inc-7f3a90c1', 'lastgood pin inc-7f3a90c1 --reason "ticket 4711"'))
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const pin = await pinById(archive, id, { reason, by: 'user', at: new Date(), signal: cli.signal });
      cli.print({ pin }, () => `pinned: ${pinText(pin)}`);
    });
}

export function addUnpin(program: Command, open: OpenCli): void {
  program
    .command('unpin')
    .argument('<id>', 'of what is pinned, as `lastgood status` shows it')
    .description('Lets go of what was pinned: it may be deleted when its time comes.')
    .addHelpText('after', examples('lastgood unpin inc-7f3a90c1'))
    .action(async (id: string, _options: object, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const pin = await unpinById(archive, id, new Date());
      cli.print({ unpinned: pin }, () => `not pinned any more: ${pinText(pin)}`);
    });
}

function pinText({ backup, segments }: Pin): string {
  const files = segments.map(
    ({ lineage, from, to }) => `${from === to ? from : `${from} to ${to}`} of lineage ${lineage}`,
  );
  return [`backup ${backup}`, ...files].join(', ');
}
