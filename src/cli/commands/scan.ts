import type { Command } from 'commander';
import { scan } from '../../operations/scan.ts';
import type { OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { startProgress } from '../output/progress.ts';
import { scanText } from '../output/scan-text.ts';

export function addScan(program: Command, open: OpenCli): void {
  program
    .command('scan')
    .argument('<file...>', 'binary log files, also as .gz or .zst, or folders that hold some')
    .description('Finds destructive statements in binary log files on disk. Needs no server and no configuration.')
    .option('--no-verify-checksums', 'faster, but damage inside an event stays unseen')
    .addHelpText('after', examples('lastgood scan /var/lib/mysql/binlog.000041 /var/lib/mysql/binlog.000042'))
    .action(async (paths: string[], options: { verifyChecksums: boolean }, command: Command) => {
      const cli = open(command);
      using progress = startProgress({ label: 'scanning', shown: cli.showsProgress });
      const result = await scan({
        paths,
        verifyChecksums: options.verifyChecksums,
        signal: cli.signal,
        onProgress: (done, total) => {
          progress.update(done, total);
        },
      });
      cli.print(result, () => scanText(result, cli.paint));
      if (result.files.some(({ problems }) => problems.length > 0)) cli.warn();
    });
}
