import type { Command } from 'commander';
import { listLineages, type ListedLineage } from '../../operations/lists.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { formatCount, formatNumber } from '../output/quantity.ts';
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
      { title: 'continues' },
    ],
    lineages.map(({ id, flavor, segments, groups, from, to, ...history }) => [
      id,
      flavor,
      formatNumber(segments),
      formatNumber(groups),
      from === null ? '' : formatTime(from),
      to === null ? '' : formatTime(to),
      continues(history),
    ]),
  );
}

/** Where the history came from: over a verified hand-over, or not at all. */
function continues({ parent, handOver }: Pick<ListedLineage, 'parent' | 'handOver'>): string {
  if (parent === null) return '';
  if (handOver === null) return `nothing: a break after ${parent}`;
  const stranded = handOver.stranded === 0 ? '' : `, ${formatCount(handOver.stranded, 'transaction')} stranded there`;
  return `${parent} at GTID ${handOver.gtidState}${stranded}`;
}
