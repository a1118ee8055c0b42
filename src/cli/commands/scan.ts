import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { scan } from '../../operations/scan.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { parseJobs } from '../jobs-option.ts';
import { wholeNumber } from '../number-option.ts';
import { startProgress } from '../output/progress.ts';
import { scanText } from '../output/scan-text.ts';

interface ScanFlags {
  readonly verifyChecksums: boolean;
  readonly jobs?: number;
  readonly massRows?: number;
}

export function addScan(program: Command, open: OpenCli): void {
  program
    .command('scan')
    .argument(
      '<file...>',
      'binary or relay log files, also as .gz or .zst, folders that hold some, or - for standard input',
    )
    .description('Finds destructive statements in binary log files on disk. Needs no server and no configuration.')
    .option('--no-verify-checksums', 'faster, but damage inside an event stays unseen')
    .option(
      '--mass-rows <n>',
      'so many rows deleted or updated together are an incident (default: 10000)',
      wholeNumber({ min: 1 }, 'It must be a number of rows, 1 or more.'),
    )
    .option('--jobs <n>', 'files read at once (default: by the number of cores)', parseJobs)
    .addHelpText(
      'after',
      examples(
        'lastgood scan /var/lib/mysql/binlog.000041 /var/lib/mysql/binlog.000042',
        'lastgood scan /var/lib/mysql',
        'ssh db1 cat /var/lib/mysql/binlog.000042 | lastgood scan -',
      ),
    )
    .action(async (paths: string[], options: ScanFlags, command: Command) => {
      const cli = open(command);
      using progress = startProgress({ label: 'scanning', shown: cli.showsProgress });
      const result = await scan({
        paths,
        stdin: process.stdin,
        jobs: options.jobs ?? jobsFor(options),
        verifyChecksums: options.verifyChecksums,
        ...(options.massRows === undefined ? {} : { massRows: options.massRows }),
        signal: cli.signal,
        onProgress: (done, total) => {
          progress.update(done, total);
        },
      });
      cli.print(result, () => scanText(result, cli.paint));
      if (result.files.some(({ problems }) => problems.length > 0)) cli.warn();
    });
}

/** A file that is only walked keeps two cores busy: one reads it, one walks. With its checksums the one that walks has more to do. */
function jobsFor({ verifyChecksums }: ScanFlags): number {
  const cores = availableParallelism();
  return verifyChecksums ? cores : Math.max(1, Math.floor(cores / 2));
}
