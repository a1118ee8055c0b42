import type { Command } from 'commander';
import { listSegments, type ListedSegment } from '../../operations/lists.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { formatBytes, formatNumber } from '../output/quantity.ts';
import { formatTable } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export function addSegments(program: Command, open: OpenCli): void {
  program
    .command('segments')
    .description("Lists the archived binary log files in their order, and the archive's known gaps.")
    .addHelpText('after', examples('lastgood segments'))
    .action(async (_flags: object, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const segments = await listSegments(archive);
      const gaps = await archive.repository.ledger.gaps();
      cli.print({ segments, gaps }, () =>
        [
          segments.length === 0 ? 'nothing is archived yet' : segmentsTable(segments),
          ...gaps.map(({ lineage, from, to, why }) => cli.paint('red', `gap in ${lineage}: ${from} to ${to}: ${why}`)),
        ].join('\n'),
      );
    });
}

function segmentsTable(segments: readonly ListedSegment[]): string {
  return formatTable(
    [
      { title: 'lineage' },
      { title: 'file' },
      { title: 'state' },
      { title: 'size', align: 'right' },
      { title: 'stored', align: 'right' },
      { title: 'transactions', align: 'right' },
      { title: 'last' },
    ],
    segments.map(({ lineage, file, state, bytes, storedBytes, groups, last }) => [
      lineage,
      file,
      state,
      formatBytes(bytes),
      formatBytes(storedBytes),
      formatNumber(groups),
      last === null ? '' : formatTime(last.time),
    ]),
  );
}
