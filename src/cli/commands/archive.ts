import { Option, type Command } from 'commander';
import { archive, type ArchiveResult } from '../../operations/archive.ts';
import { isLastgoodError } from '../../platform/errors.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { startProgress } from '../output/progress.ts';
import { formatBytes, formatCount } from '../output/quantity.ts';
import { parseSize } from '../size-option.ts';

export function addArchive(program: Command, open: OpenCli): void {
  program
    .command('archive')
    .description(
      "Copies the primary's binary log into the repository, until SIGTERM or Ctrl-C: a clean stop, exit 0; 3 when something was lost.",
    )
    .option('--until-current', 'stop once everything is archived that the primary had at the start')
    .option(
      '--new-lineage',
      'archive this server also when it does not continue the archived history, or cannot read its log on where that ends: as one of its own',
    )
    .option('--hold-purge', 'keep the primary from removing files that are not sealed here yet')
    .addOption(
      new Option('--hold-purge-limit <size>', 'the same, until it would have to keep more than this')
        .argParser(parseSize)
        .default(20 * GIB, '20G')
        .implies({ holdPurge: true }),
    )
    .addHelpText(
      'after',
      examples('lastgood archive', 'lastgood archive --until-current', 'lastgood archive --hold-purge-limit 50G'),
    )
    .action(async (options: ArchiveFlags, command: Command) => {
      const cli = open(command);
      const result = await archiveUntilStopped(cli, options);
      if (result === null) return;
      cli.print(result, archiveText);
      if (result.warnings.length > 0) cli.warn();
    });
}

interface ArchiveFlags {
  readonly untilCurrent?: true;
  readonly newLineage?: true;
  readonly holdPurge?: true;
  /** Bytes. */
  readonly holdPurgeLimit: number;
}

const GIB = 1024 ** 3;

/** To be told to stop is how archiving ends; null when that came before anything was archived. */
async function archiveUntilStopped(cli: Cli, flags: ArchiveFlags): Promise<ArchiveResult | null> {
  const { untilCurrent = false, newLineage = false } = flags;
  using progress = startProgress({ label: 'archiving', shown: untilCurrent && cli.showsProgress });
  const {
    repositoryPath,
    keyFile,
    storesInClear = false,
    primary,
    archive: settings,
    alerts = null,
  } = await cli.settings();
  try {
    return await archive({
      repositoryPath,
      keyFile,
      storesInClear,
      alerts,
      runnable: cli.runnableElsewhere,
      primary,
      archive: settings,
      untilCurrent,
      newLineage,
      holdPurge: flags.holdPurge === true ? { limitBytes: flags.holdPurgeLimit } : null,
      log: cli.logger,
      signal: cli.signal,
      progress: (done, total) => {
        progress.update(done, total);
      },
    });
  } catch (error) {
    if (isLastgoodError(error, 'INTERRUPTED') && cli.signal.aborted) return null;
    throw error;
  }
}

function archiveText(result: ArchiveResult): string {
  const { lineage, file, position, gtid, bytes, segmentsSealed, reconnects, warnings } = result;
  const place = file === '' ? 'nothing is archived yet' : `${lineage} is archived up to ${file}:${position}`;
  const work = [formatBytes(bytes), formatCount(segmentsSealed, 'file') + ' finished'];
  if (reconnects > 0) work.push(formatCount(reconnects, 'reconnection'));
  const summary = [`${place}${gtid === null ? '' : `, GTID ${gtid}`}`, `in this run: ${work.join(', ')}`];
  return [...summary, ...warnings.map((warning) => `warning: ${warning}`)].join('\n');
}
