import type { Command } from 'commander';
import { archive, type ArchiveResult } from '../../operations/archive.ts';
import { isLastgoodError } from '../../platform/errors.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { startProgress } from '../output/progress.ts';
import { formatBytes, formatCount } from '../output/quantity.ts';

export function addArchive(program: Command, open: OpenCli): void {
  program
    .command('archive')
    .description("Copies the primary's binary log into the repository, until SIGTERM or Ctrl-C: a clean stop, exit 0.")
    .option('--until-current', 'stop once everything is archived that the primary had at the start')
    .addHelpText('after', examples('lastgood archive', 'lastgood archive --until-current'))
    .action(async (options: { untilCurrent?: true }, command: Command) => {
      const cli = open(command);
      const result = await archiveUntilStopped(cli, options.untilCurrent === true);
      if (result !== null) cli.print(result, () => archiveText(result));
    });
}

/** To be told to stop is how archiving ends; null when that came before anything was archived. */
async function archiveUntilStopped(cli: Cli, untilCurrent: boolean): Promise<ArchiveResult | null> {
  using progress = startProgress({ label: 'archiving', shown: untilCurrent && cli.showsProgress });
  const { repositoryPath, primary, archive: settings } = await cli.settings();
  try {
    return await archive({
      repositoryPath,
      primary,
      archive: settings,
      untilCurrent,
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

function archiveText({ lineage, file, position, gtid, bytes, segmentsSealed, reconnects }: ArchiveResult): string {
  const place = file === '' ? 'nothing is archived yet' : `${lineage} is archived up to ${file}:${position}`;
  const work = [formatBytes(bytes), formatCount(segmentsSealed, 'file') + ' finished'];
  if (reconnects > 0) work.push(formatCount(reconnects, 'reconnection'));
  return `${place}${gtid === null ? '' : `, GTID ${gtid}`}\nin this run: ${work.join(', ')}`;
}
