import { Command } from 'commander';
import { Cli, type GlobalOptions, type OpenCli } from './cli.ts';
import { examples } from './examples.ts';
import { version } from './version.ts';

type AddCommand = (program: Command, open: OpenCli) => void;

/** What each command needs is loaded only for it: a scan of small files is over before all of this is. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  doctor: async () => (await import('./commands/doctor.ts')).addDoctor,
  archive: async () => (await import('./commands/archive.ts')).addArchive,
  scan: async () => (await import('./commands/scan.ts')).addScan,
  backup: async () => (await import('./commands/backup.ts')).addBackup,
  backups: async () => (await import('./commands/backups.ts')).addBackups,
  segments: async () => (await import('./commands/segments.ts')).addSegments,
  lineages: async () => (await import('./commands/lineages.ts')).addLineages,
  incidents: async () => (await import('./commands/incidents.ts')).addIncidents,
  plan: async () => (await import('./commands/plan.ts')).addPlan,
  restore: async () => (await import('./commands/restore.ts')).addRestore,
  salvage: async () => (await import('./commands/salvage.ts')).addSalvage,
  rehearse: async () => (await import('./commands/rehearse.ts')).addRehearse,
  verify: async () => (await import('./commands/verify.ts')).addVerify,
  status: async () => (await import('./commands/status.ts')).addStatus,
  pin: async () => (await import('./commands/pin.ts')).addPin,
  unpin: async () => (await import('./commands/pin.ts')).addUnpin,
  'archive-server': async () => (await import('./commands/archive-server.ts')).addArchiveServer,
  export: async () => (await import('./commands/export.ts')).addExport,
  catalog: async () => (await import('./commands/catalog-rebuild.ts')).addCatalogRebuild,
  demo: async () => (await import('./commands/demo.ts')).addDemo,
};

const EXIT_CODES = `
Exit codes: 0 done, 1 bug, 2 usage or configuration, 3 done with warnings, 10 repository, 11 locked, 12 server,
20 target not reachable, 21 archive damaged, 22 other server or lineage, 30 external tool, 31 proof failed,
40 not safe, 130 interrupted. docs/errors.md lists every error with what to do.`;

/**
 * The program with the commands that `argv` names, or all of them when it names none. Usage errors are thrown, not printed: one place
 * reports errors.
 */
export async function createProgram(signal: AbortSignal, argv: readonly string[] = []): Promise<Command> {
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
  for (const add of await loadCommands(argv)) add(program, open);
  return program;
}

async function loadCommands(argv: readonly string[]): Promise<AddCommand[]> {
  const named = Object.entries(COMMANDS).filter(([name]) => argv.includes(name));
  const wanted = named.length === 0 || argv.includes('help') ? Object.entries(COMMANDS) : named;
  return await Promise.all(wanted.map(([, load]) => load()));
}
