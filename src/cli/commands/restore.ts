import { InvalidArgumentError, type Command } from 'commander';
import { restore, type RestoreResult } from '../../operations/restore.ts';
import type { Target } from '../../recovery/plan.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { parseDatadir } from '../datadir-option.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { startRestoreBars } from '../output/progress.ts';
import { restoreText } from '../output/restore-text.ts';
import { planTarget } from '../plan-target.ts';
import { addTargetOptions, readTarget, type TargetFlags } from '../target-options.ts';

interface RestoreFlags extends TargetFlags {
  readonly datadir: string;
  readonly port?: number;
  readonly stop?: true;
}

export function addRestore(program: Command, open: OpenCli): void {
  addTargetOptions(program.command('restore'))
    .description('Restores to the target in a new server, proves it, and leaves it running.')
    .requiredOption('--datadir <dir>', "the new server's data folder; must not exist or be empty", parseDatadir)
    .option('--port <port>', "the new server's port on 127.0.0.1; a free one when not given", parsePort)
    .option('--stop', 'leave the new server stopped')
    .addHelpText(
      'after',
      examples(
        'lastgood restore --before inc-7f3a90c1 --datadir /srv/restored',
        'lastgood restore --at 2026-11-22T10:00:00Z --datadir /srv/restored --port 3307',
      ),
    )
    .action(async (flags: RestoreFlags, command: Command) => {
      const cli = open(command);
      const result = await restoreTo(cli, readTarget(flags), flags);
      cli.print(result, () => restoreText(result, cli.paint));
      if (result.warnings.length > 0) cli.warn();
    });
}

async function restoreTo(cli: Cli, target: Target, { datadir, port, stop }: RestoreFlags): Promise<RestoreResult> {
  using archive = await openConfiguredArchive(cli);
  const plan = await planTarget(cli, archive, target);
  using bars = startRestoreBars(cli.showsProgress);
  return await restore(archive, {
    plan,
    datadir,
    port,
    stop: stop === true,
    log: cli.logger,
    progress: bars.update,
    signal: cli.signal,
  });
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a number from 1 to 65535.');
}
