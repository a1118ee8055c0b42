import type { Command } from 'commander';
import { isKnown, type ListedBackup } from '../../operations/listed-backup.ts';
import { listBackups } from '../../operations/lists.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { formatBytes } from '../output/quantity.ts';
import { formatTable } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export function addBackups(program: Command, open: OpenCli): void {
  program
    .command('backups')
    .description('Lists the base backups, oldest first, and whether a restore could start from each.')
    .addHelpText('after', examples('lastgood backups'))
    .action(async (_flags: object, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const backups = await listBackups(archive, cli.signal);
      cli.print({ backups }, () =>
        backups.length === 0 ? 'there is no backup yet' : backupsTable(backups, cli.paint),
      );
    });
}

function backupsTable(backups: readonly ListedBackup[], paint: Cli['paint']): string {
  return formatTable(
    [
      { title: 'backup' },
      { title: 'finished' },
      { title: 'method' },
      { title: 'size', align: 'right' },
      { title: 'in the primary log at' },
      { title: 'usable' },
    ],
    backups.map((backup) => [
      backup.id,
      ...factsOf(backup),
      backup.usable ? paint('green', 'yes') : paint('red', `no: ${backup.why ?? 'unknown'}`),
    ]),
  );
}

function factsOf(backup: ListedBackup): string[] {
  if (!isKnown(backup)) return ['unknown', '', '', ''];
  const { finishedAt, method, bytes, primary } = backup;
  return [formatTime(finishedAt), method, formatBytes(bytes), primary.coordinates];
}
