import type { Command } from 'commander';
import type { LedgerEntry } from '../../archive/ledger.ts';
import { listSegments, type ListedSegment, type SegmentFilter } from '../../operations/lists.ts';
import { oneLine } from '../../platform/visible.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { formatBytes, formatNumber } from '../output/quantity.ts';
import { formatTable } from '../output/table.ts';
import { formatTime } from '../output/time.ts';

export function addSegments(program: Command, open: OpenCli): void {
  program
    .command('segments')
    .description('Lists the archived binary log files in their order, and what is known to be lost between them.')
    .option('--lineage <id>', 'only of this lineage')
    .option('--since <time>', 'only files with a transaction of this time or later; it must carry its zone')
    .addHelpText('after', examples('lastgood segments --since 2026-11-22T00:00:00Z'))
    .action(async (filter: SegmentFilter, command: Command) => {
      const cli = open(command);
      using archive = await openConfiguredArchive(cli);
      const segments = await listSegments(archive, filter);
      const entries = await archive.repository.ledger.entries();
      const gaps = entries.filter(({ lineage }) => lineage === (filter.lineage ?? lineage));
      cli.print({ segments, gaps }, () =>
        [
          segments.length === 0 ? NOTHING[filter.since === undefined ? 'archived' : 'since'] : segmentsTable(segments),
          ...gaps.map((gap) => cli.paint('red', oneLine(gapLine(gap)))),
        ].join('\n'),
      );
    });
}

const NOTHING = { archived: 'nothing is archived yet', since: 'nothing that is archived is that new' };

/** A gap and a break end where another lineage begins; everything else lies in one. */
function gapLine(loss: LedgerEntry): string {
  const { kind, lineage, from, to, why } = loss;
  const next = loss.kind === 'gap' || loss.kind === 'break' ? loss.child : undefined;
  return `${kind}: ${lineage} ${from} to ${next === undefined ? '' : `${next} `}${to}: ${why}`;
}

function segmentsTable(segments: readonly ListedSegment[]): string {
  return formatTable(
    [
      { title: 'lineage' },
      { title: 'file' },
      { title: 'state' },
      { title: 'size', align: 'right' },
      { title: 'stored', align: 'right' },
      { title: 'as' },
      { title: 'transactions', align: 'right' },
      { title: 'last' },
    ],
    segments.map(({ lineage, file, state, bytes, storedBytes, compression, encryption, groups, last }) => [
      lineage,
      file,
      state,
      formatBytes(bytes),
      formatBytes(storedBytes),
      formatForm({ compression, encryption }),
      formatNumber(groups),
      last === null ? '' : formatTime(last.time),
    ]),
  );
}

/** `plain`, `zstd`, `aes-256-gcm` or `zstd, aes-256-gcm`. */
function formatForm({ compression, encryption }: Pick<ListedSegment, 'compression' | 'encryption'>): string {
  const steps = [compression === 'zstd' ? 'zstd' : null, encryption?.algorithm ?? null];
  return steps.filter((step) => step !== null).join(', ') || 'plain';
}
