import { Command } from 'commander';
import { Cli, type GlobalOptions, type OpenCli } from './cli.ts';
import { addArchive } from './commands/archive.ts';
import { addBackup } from './commands/backup.ts';
import { addBackups } from './commands/backups.ts';
import { addCatalogRebuild } from './commands/catalog-rebuild.ts';
import { addDemo } from './commands/demo.ts';
import { addDoctor } from './commands/doctor.ts';
import { addExport } from './commands/export.ts';
import { addIncidents } from './commands/incidents.ts';
import { addLineages } from './commands/lineages.ts';
import { addPlan } from './commands/plan.ts';
import { addRehearse } from './commands/rehearse.ts';
import { addRestore } from './commands/restore.ts';
import { addScan } from './commands/scan.ts';
import { addSegments } from './commands/segments.ts';
import { addStatus } from './commands/status.ts';
import { addVerify } from './commands/verify.ts';
import { examples } from './examples.ts';
import { version } from './version.ts';

const COMMANDS: readonly ((program: Command, open: OpenCli) => void)[] = [
  addDoctor,
  addArchive,
  addScan,
  addBackup,
  addBackups,
  addSegments,
  addLineages,
  addIncidents,
  addPlan,
  addRestore,
  addRehearse,
  addVerify,
  addStatus,
  addExport,
  addCatalogRebuild,
  addDemo,
];

const EXIT_CODES = `
Exit codes: 0 done, 1 bug, 2 usage or configuration, 3 done with warnings, 10 repository, 11 locked, 12 server,
20 target not reachable, 21 archive damaged, 22 other server or lineage, 30 external tool, 31 proof failed,
40 not safe, 130 interrupted. docs/errors.md lists every error with what to do.`;

/** All commands, parsed and ready to run. Usage errors are thrown, not printed: one place reports errors. */
export function createProgram(signal: AbortSignal): Command {
  const program = new Command('lastgood')
    .description('Finds the statement that destroyed your data, and restores to the last good state before it.')
    .version(version())
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .configureHelp({ showGlobalOptions: true })
    .option('--config <file>', 'configuration (else $LASTGOOD_CONFIG, ./lastgood.toml, /etc/lastgood/lastgood.toml)')
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'log errors only, no progress')
    .option('--verbose', 'log details')
    .option('--no-color', 'no colours (also $NO_COLOR)')
    .helpCommand('help [command]', 'help for a command')
    .addHelpText('after', EXIT_CODES)
    .addHelpText('after', examples('lastgood demo', 'lastgood scan /var/lib/mysql/binlog.0000*'));
  const open: OpenCli = (command) => new Cli(command.optsWithGlobals<GlobalOptions>(), signal);
  for (const add of COMMANDS) add(program, open);
  return program;
}
