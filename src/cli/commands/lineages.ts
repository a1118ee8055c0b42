import type { Command } from 'commander';
import { listLineages, type ListedLineage } from '../../operations/lists.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { formatNumber } from '../output/quantity.ts';
import { formatTable } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export function addLineages(program: Command, open: OpenCli): void {
  program
    .command('lineages')
    .description('Lists the unbroken binlog histories in the repository, oldest first.')
    .addHelpText('after', examples('lastgood lineages'))
    .action(async (_flags: object, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const lineages = listLineages(archive);
      cli.print({ lineages }, () => (lineages.length === 0 ? 'no lineage is archived yet' : lineagesTable(lineages)));
    });
}

function lineagesTable(lineages: readonly ListedLineage[]): string {
  return formatTable(
    [
      { title: 'lineage' },
      { title: 'flavor' },
      { title: 'files', align: 'right' },
      { title: 'transactions', align: 'right' },
      { title: 'from' },
      { title: 'to' },
    ],
    lineages.map(({ id, flavor, segments, groups, from, to }) => [
      id,
      flavor,
      formatNumber(segments),
      formatNumber(groups),
      from === null ? '' : formatTime(from),
      to === null ? '' : formatTime(to),
    ]),
  );
}
