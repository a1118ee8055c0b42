import { Option, type Command } from 'commander';
import { restore, type FinishOptions, type RestoreResult } from '../../operations/restore.ts';
import { resumeOnServer, resumeRestore } from '../../operations/resume-restore.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { ReplayEngine } from '../../recovery/restore-phases.ts';
import type { RestoreInto } from '../../recovery/restore-target.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { readServerFile } from '../config/read-server-file.ts';
import { parseDatadir } from '../datadir-option.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { wholeNumber } from '../number-option.ts';
import { startRestoreBars } from '../output/progress.ts';
import { restoreText } from '../output/restore-text.ts';
import { knownServers } from '../known-servers.ts';
import { readPlanFile } from '../plan-file.ts';
import { planTarget } from '../plan-target.ts';
import { addTargetOptions, furtherThan, hasTarget, readAim, type Aim, type TargetFlags } from '../target-options.ts';

interface RestoreFlags extends TargetFlags {
  readonly plan?: string;
  readonly datadir?: string;
  readonly server?: string;
  readonly port?: number;
  readonly stop?: true;
  readonly engine: ReplayEngine;
  readonly acceptConflicts?: true;
  readonly keepPrepared?: true;
  readonly resume?: true;
  readonly report?: string;
}

export function addRestore(program: Command, open: OpenCli): void {
  addTargetOptions(program.command('restore'))
    .description('Restores to the target in a new server, or in one that is there and empty, and proves it.')
    .option('--plan <file>', 'run this plan, as `lastgood plan --json` printed it, instead of a TARGET')
    .option('--datadir <dir>', "a new server's data folder; must not exist or be empty", parseDatadir)
    .option('--port <port>', "the new server's port on 127.0.0.1; a free one when not given", parsePort)
    .option('--stop', 'leave the new server stopped')
    .addOption(
      new Option(
        '--server <file>',
        'an existing, empty server instead: an option file with a [client] group',
      ).conflicts(['datadir', 'port', 'stop']),
    )
    .addOption(
      new Option(
        '--engine <engine>',
        "what replays the log: the server's applier, or a session where it may not replicate",
      )
        .choices(['applier', 'session'])
        .default('applier'),
    )
    .option('--accept-conflicts', 'run also a plan whose skipped transactions may clash with later ones')
    .option('--keep-prepared', 'leave XA transactions prepared that were so at the target; else they are rolled back')
    .addOption(
      new Option(
        '--resume',
        'go on with the interrupted restore in --datadir or --server; with a later TARGET, bring a finished one in --datadir forward. A server that runs there is stopped for it; one with settings of its own is refused',
      ).conflicts(['plan', 'keepPrepared', 'engine']),
    )
    .option('--report <dir>', "where the report goes; a new server's data folder when not given")
    .addHelpText(
      'after',
      examples(
        'lastgood restore --before inc-7f3a90c1 --datadir /srv/restored',
        'lastgood restore --at 2026-11-22T10:00:00Z --datadir /srv/restored --port 3307',
        'lastgood restore --before inc-7f3a90c1 --server /etc/lastgood/spare.cnf',
        'lastgood restore --plan plan.json --datadir /srv/restored',
        'lastgood restore --resume --datadir /srv/restored',
        'lastgood restore --resume --datadir /srv/restored --latest --skip inc-7f3a90c1',
        'lastgood restore --resume --server /etc/lastgood/spare.cnf',
      ),
    )
    .action(async (flags: RestoreFlags, command: Command) => {
      const cli = open(command);
      const result =
        flags.resume === true ? await resumeIn(cli, flags) : await restoreTo(cli, flags, planOf(cli, flags));
      cli.print(result, (shown) => restoreText(shown, cli.paint));
      if (result.plan.warnings.length + result.warnings.length > 0) cli.warn();
    });
}

/** @throws LastgoodError `USAGE` without a place */
async function resumeIn(cli: Cli, flags: RestoreFlags): Promise<RestoreResult> {
  const { datadir, server, port, skip } = flags;
  const aim = hasTarget(flags) || skip !== undefined ? readAim(flags) : null;
  if (server !== undefined) return await resumeAt(cli, flags, { server, aim });
  if (datadir === undefined) {
    throw new LastgoodError(
      'USAGE',
      '--resume needs the place of the restore that is to go on: --datadir DIR or --server FILE',
    );
  }
  using archive = await openConfiguredArchive(cli);
  using bars = startRestoreBars(cli.showsProgress);
  return await resumeRestore(archive, {
    ...(await finishing(cli, flags)),
    datadir,
    port,
    acceptConflicts: flags.acceptConflicts === true,
    extend: aim === null ? null : async (done) => await planTarget(cli, archive, furtherThan(done, aim)),
    progress: bars.update,
    signal: cli.signal,
  });
}

/** @throws LastgoodError `USAGE` with another target: what is finished there is somebody's server */
async function resumeAt(cli: Cli, flags: RestoreFlags, o: { server: string; aim: Aim | null }): Promise<RestoreResult> {
  if (o.aim !== null) {
    throw new LastgoodError(
      'USAGE',
      '--resume with --server brings a restore to its own target: leave the target options and --skip away',
    );
  }
  const server = await readTargetFile(o.server);
  using archive = await openConfiguredArchive(cli);
  using bars = startRestoreBars(cli.showsProgress);
  const finish = await finishing(cli, flags);
  return await resumeOnServer(archive, { ...finish, server, progress: bars.update, signal: cli.signal });
}

async function readTargetFile(path: string): Promise<ServerOptions> {
  return await readServerFile(path, { flag: '--server', name: 'target server' });
}

async function finishing(cli: Cli, { stop, report }: RestoreFlags): Promise<FinishOptions> {
  const { host, port } = (await cli.offlineSettings()).primary;
  return { stop: stop === true, report, primary: { host, port }, log: cli.logger };
}

type Planning = (archive: Awaited<ReturnType<typeof openConfiguredArchive>>) => Promise<RestoreResult['plan']>;

/** What is wrong with the flags is said before anything is opened. @throws LastgoodError `USAGE` */
function planOf(cli: Cli, flags: RestoreFlags): Planning {
  const { plan, skip } = flags;
  if (plan === undefined) {
    const aim = readAim(flags);
    return async (archive) => await planTarget(cli, archive, aim);
  }
  if (hasTarget(flags) || skip !== undefined) {
    throw new LastgoodError('USAGE', '--plan has a target of its own: leave the target options and --skip away');
  }
  return async () => await readPlanFile(plan);
}

async function restoreTo(cli: Cli, flags: RestoreFlags, makePlan: Planning): Promise<RestoreResult> {
  const into = await readInto(cli, flags);
  using archive = await openConfiguredArchive(cli);
  const plan = await makePlan(archive);
  using bars = startRestoreBars(cli.showsProgress);
  return await restore(archive, {
    plan,
    into,
    ...(await finishing(cli, flags)),
    engine: flags.engine,
    acceptConflicts: flags.acceptConflicts === true,
    keepPrepared: flags.keepPrepared === true,
    progress: bars.update,
    signal: cli.signal,
  });
}

/** @throws LastgoodError `USAGE` unless one place is given */
async function readInto(cli: Cli, { datadir, server, port }: RestoreFlags): Promise<RestoreInto> {
  if (server !== undefined) {
    return { kind: 'existing', server: await readTargetFile(server), others: await knownServers(cli) };
  }
  if (datadir !== undefined) return { kind: 'scratch', datadir, port };
  throw new LastgoodError('USAGE', 'restore needs a place: --datadir DIR for a new server, or --server FILE');
}

const parsePort = wholeNumber({ min: 1, max: 65_535 }, 'It must be a number from 1 to 65535.');
