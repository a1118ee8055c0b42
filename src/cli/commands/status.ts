import type { Command } from 'commander';
import { readStatus, type Status } from '../../operations/status.ts';
import { isLastgoodError } from '../../platform/errors.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { NAGIOS_EXIT, nagiosLine, statusText } from '../output/status-text.ts';

export function addStatus(program: Command, open: OpenCli): void {
  program
    .command('status')
    .description('Shows from when to when data can be restored, and what would be lost now.')
    .option('--nagios', 'one line, and the exit code of a monitoring plugin')
    .addHelpText('after', examples('lastgood status', 'lastgood status --nagios'))
    .action(async (options: { nagios?: true }, command: Command) => {
      const cli = open(command);
      if (options.nagios === true) return printForMonitoring(cli);
      const status = await read(cli);
      cli.print(status, (shown) => statusText(shown, cli.paint));
    });
}

async function read(cli: Cli): Promise<Status> {
  const { primary, archive: settings } = await cli.settings();
  using archive = await openConfiguredArchive(cli);
  return await readStatus(archive, { primary, semiSync: settings.semiSync, signal: cli.signal });
}

/** To monitoring an error is a result too: the state is unknown. */
async function printForMonitoring(cli: Cli): Promise<void> {
  try {
    const { line, exitCode } = nagiosLine(await read(cli));
    cli.printLine(line);
    cli.exitWith(exitCode);
  } catch (error) {
    if (!isLastgoodError(error)) throw error;
    cli.printLine(`LASTGOOD UNKNOWN - ${error.message} [${error.code}]`);
    cli.exitWith(NAGIOS_EXIT.unknown);
  }
}
