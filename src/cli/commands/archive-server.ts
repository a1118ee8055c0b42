import { InvalidArgumentError, type Command } from 'commander';
import { serveArchive, type ServedArchive } from '../../operations/serve-archive.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { openConfiguredArchive } from '../open-archive.ts';
import { startRestoreBars } from '../output/progress.ts';
import { servedText } from '../output/served-text.ts';
import { readTextFile } from '../read-text-file.ts';
import { addTargetOptions, readAim, type Aim, type TargetFlags } from '../target-options.ts';

interface ServerFlags extends TargetFlags {
  readonly from?: string;
  readonly listen?: Listen;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly acceptConflicts?: true;
  readonly allowClearText?: boolean;
}

interface Listen {
  readonly host: string;
  readonly port: number;
}

export function addArchiveServer(program: Command, open: OpenCli): void {
  addTargetOptions(program.command('archive-server'))
    .description(
      'Serves the archived log up to the target as a replication source, until SIGTERM or Ctrl-C: any replica or client that reads binary logs may come.',
    )
    .option(
      '--from <file:pos>',
      'begin at this transaction; without it with the oldest from which the archive is unbroken',
    )
    .option('--listen <host:port>', 'where clients come to; a free port on 127.0.0.1 when not given', parseListen)
    .option('--user <name>', 'whom clients sign in as (default: lastgood)')
    .option(
      '--password-file <file>',
      'their password, on the first line; without it one is made and shown once, on a terminal',
    )
    .option('--tls-cert <file>', 'PEM certificate to show; then nobody gets in without TLS')
    .option('--tls-key <file>', "the certificate's key, PEM")
    .option('--tls-ca <file>', 'PEM; then a client needs a certificate that is signed by it, too')
    .option('--allow-clear-text', 'listen on other addresses than loopback without TLS, too')
    .option('--accept-conflicts', 'serve also what may clash with the transactions that are left out')
    .addHelpText(
      'after',
      examples(
        'lastgood archive-server --before inc-7f3a90c1',
        'lastgood archive-server --latest --skip inc-7f3a90c1 --listen 127.0.0.1:3310 --password-file /etc/lastgood/replica.pw',
      ),
    )
    .action(async (flags: ServerFlags, command: Command) => {
      const cli = open(command);
      const aim = readAim(flags); // first what is asked for, then with what
      if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined))
        command.error('error: --tls-cert and --tls-key belong together');
      if (flags.tlsCa !== undefined && flags.tlsCert === undefined) command.error('error: --tls-ca needs --tls-cert');
      if (flags.passwordFile === undefined && !cli.json && !process.stdout.isTTY)
        command.error('error: without a terminal nobody would learn the password: --password-file is needed');
      await serve(cli, { flags, aim });
    });
}

async function serve(
  cli: Cli,
  { flags, aim: { target, skip } }: { readonly flags: ServerFlags; readonly aim: Aim },
): Promise<void> {
  const { listen, user, from = null, allowClearText } = flags;
  const { name } = (await cli.offlineSettings()).primary;
  const password = flags.passwordFile === undefined ? null : await readPassword(flags.passwordFile);
  const tls = await readTls(flags);
  using archive = await openConfiguredArchive(cli);
  using bars = startRestoreBars(cli.showsProgress);
  await serveArchive(
    archive,
    {
      ...{ name, target, skip, from, listen, user, password, tls, allowClearText },
      acceptConflicts: flags.acceptConflicts === true,
      progress: bars.update,
      log: cli.logger,
      signal: cli.signal,
    },
    (served) => {
      bars[Symbol.dispose]();
      print(cli, served);
    },
  );
}

/** A password belongs on a screen or into a program, never into a file of logs. */
function print(cli: Cli, served: ServedArchive): void {
  const showsPassword = process.stdout.isTTY;
  cli.print(served, (shown) => servedText(shown, showsPassword));
}

async function readPassword(path: string): Promise<string> {
  const password = /^[^\r\n]*/.exec(await readTextFile(path, '--password-file'))?.[0] ?? '';
  if (password !== '') return password;
  throw new LastgoodError('CONFIG_INVALID', `--password-file '${path}' has no password on its first line`);
}

async function readTls({
  tlsCert,
  tlsKey,
  tlsCa,
}: ServerFlags): Promise<{ cert: string; key: string; ca?: string } | null> {
  if (tlsCert === undefined || tlsKey === undefined) return null;
  const [cert, key] = [await readTextFile(tlsCert, '--tls-cert'), await readTextFile(tlsKey, '--tls-key')];
  return tlsCa === undefined ? { cert, key } : { cert, key, ca: await readTextFile(tlsCa, '--tls-ca') };
}

function parseListen(text: string): Listen {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new InvalidArgumentError('It must be HOST:PORT, for example 127.0.0.1:3310; port 0 is any free one.');
}
