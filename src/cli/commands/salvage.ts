import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { salvage, type SalvageResult, type SalvageTo } from '../../operations/salvage.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { readServerFile } from '../config/read-server-file.ts';
import { parseDatadir } from '../datadir-option.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { startRestoreBars } from '../output/progress.ts';
import { salvageText } from '../output/salvage-text.ts';
import { planTarget } from '../plan-target.ts';
import { addTargetOptions, readAim, type TargetFlags } from '../target-options.ts';

interface SalvageFlags extends TargetFlags {
  readonly schema: string;
  readonly table?: readonly string[];
  readonly out?: string;
  readonly into?: string;
  readonly rename?: string;
  readonly datadir?: string;
  readonly grants?: true;
  readonly enableEvents?: true;
  readonly acceptConflicts?: true;
}

/** A dump for whoever stands behind the pipe. */
const STDOUT = '-';

export function addSalvage(program: Command, open: OpenCli): void {
  addTargetOptions(program.command('salvage'))
    .description(
      'Brings only a lost schema or tables back, as of the target: as a dump that loads, or straight into a live server ' +
        'beside what it has. Nothing that exists is changed.',
    )
    .requiredOption('--schema <name>', 'the schema, as it was called at the target', parseName)
    .option(
      '--table <name>',
      'only this table or view of it, with its triggers; may be given again',
      (name: string, before: readonly string[] | undefined) => [...(before ?? []), parseName(name)],
    )
    .option('--out <file>', 'write an SQL dump to this new file, compressed if its name ends in .zst; - is stdout')
    .addOption(
      new Option('--into <file>', 'load it into a live server: an option file with a [client] group').conflicts('out'),
    )
    .option('--rename <name>', 'with --into: the name of the schema there', parseName)
    .option('--grants', 'give the privileges on it, too; else they are only listed')
    .option('--accept-conflicts', 'run also a plan whose skipped transactions may clash with later ones')
    .option('--enable-events', 'with --into: events run at once; else they are left disabled')
    .option(
      '--datadir <dir>',
      "the scratch server's data folder, on a disk with room; must not exist or be empty",
      parseDatadir,
    )
    .addHelpText(
      'after',
      examples(
        'lastgood salvage --before inc-7f3a90c1 --schema shop --out shop.sql.zst',
        'lastgood salvage --before inc-7f3a90c1 --schema shop --table orders --into /etc/lastgood/primary.cnf',
        'lastgood salvage --before inc-7f3a90c1 --schema shop --into /etc/lastgood/primary.cnf --rename shop_restored',
      ),
    )
    .action(async (flags: SalvageFlags, command: Command) => {
      const cli = open(command);
      const result = await salvageWith(cli, flags);
      if (result.out?.path === null) tellBeside(cli, result);
      else cli.print(result, (shown) => salvageText(shown, cli.paint));
      if (result.warnings.length + result.notCarried.length > 0) cli.warn();
    });
}

async function salvageWith(cli: Cli, flags: SalvageFlags): Promise<SalvageResult> {
  const aim = readAim(flags);
  const to = await readPlace(cli, flags);
  using archive = await openConfiguredArchive(cli);
  const plan = await planTarget(cli, archive, aim);
  using bars = startRestoreBars(cli.showsProgress);
  return await salvage(archive, {
    ...{ plan, to, schema: flags.schema, tables: flags.table ?? [], datadir: flags.datadir },
    grants: flags.grants === true,
    acceptConflicts: flags.acceptConflicts === true,
    log: cli.logger,
    progress: bars.update,
    signal: cli.signal,
  });
}

/** @throws LastgoodError `USAGE` unless one place is given, with the options that go with it */
async function readPlace(cli: Cli, { out, into, rename, enableEvents }: SalvageFlags): Promise<SalvageTo> {
  if (into !== undefined) {
    const server = await readServerFile(into, { flag: '--into', name: 'live server' });
    return { kind: 'server', server, rename, enableEvents: enableEvents === true };
  }
  if (out === undefined) throw usage('salvage needs a place: --out FILE for a dump, or --into FILE for a live server');
  if (rename !== undefined || enableEvents === true) throw usage('--rename and --enable-events need --into');
  if (out !== STDOUT) return { kind: 'file', path: resolve(out) };
  if (cli.json) throw usage('--json and --out - would both write to stdout');
  return { kind: 'stream', write: cli.pour };
}

/** stdout holds the dump. */
function tellBeside({ logger }: Cli, { salvaged, notCarried, warnings }: SalvageResult): void {
  logger.info({ objects: salvaged.length }, 'salvaged; a dump on stdout is not proven by loading it');
  for (const { type, name, why } of notCarried) logger.warn({ type, name, why }, 'not carried over');
  for (const warning of warnings) logger.warn(warning);
}

function usage(message: string): LastgoodError {
  return new LastgoodError('USAGE', message);
}

/** An empty name would be a script's unset variable. */
function parseName(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It must be a name.');
}
