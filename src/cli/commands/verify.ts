import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import { verify } from '../../operations/verify.ts';
import { ERRORS } from '../../platform/errors.ts';
import type { Cli, OpenCli } from '../cli.ts';
import { examples } from '../examples.ts';
import { parseJobs } from '../jobs-option.ts';
import { worstOf } from '../output/findings-text.ts';
import { startProgress } from '../output/progress.ts';
import { verificationText } from '../output/verification-text.ts';

interface VerifyFlags {
  readonly since?: string;
  readonly backups: boolean;
  readonly jobs?: number;
}

export function addVerify(program: Command, open: OpenCli): void {
  program
    .command('verify')
    .description('Reads the whole archive and prints everything that is wrong with it. Changes nothing in it.')
    .option('--since <time-or-file>', 'read only segments from this file, or with writes from this time on')
    .option('--no-backups', 'leave the backups out')
    .option('--jobs <n>', 'files read at once (default: one for each core)', parseJobs)
    .addHelpText(
      'after',
      examples(
        'lastgood verify',
        'lastgood verify --since binlog.000042',
        'lastgood verify --since 2026-11-22T00:00:00Z',
      ),
    )
    .action(async (flags: VerifyFlags, command: Command) => {
      await run(open(command), flags);
    });
}

async function run(cli: Cli, flags: VerifyFlags): Promise<void> {
  const { repositoryPath, keyFile } = await cli.offlineSettings();
  using progress = startProgress({ label: 'verifying', shown: cli.showsProgress });
  const verification = await verify({
    repositoryPath,
    keyFile,
    since: flags.since ?? null,
    backups: flags.backups,
    jobs: flags.jobs ?? availableParallelism(),
    signal: cli.signal,
    ...(cli.showsProgress
      ? {
          onProgress: (done: number, total: number) => {
            progress.update(done, total);
          },
        }
      : {}),
  });
  progress[Symbol.dispose]();
  cli.print(verification, (shown) => verificationText(shown, cli.paint));
  const { findings } = verification;
  const worst = worstOf(findings);
  if (worst === 'warning') cli.warn();
  if (worst === 'error') cli.exitWith(exitOf(findings));
}

/** What cannot be read may be whole: only what was read and is wrong is damage. */
function exitOf(findings: readonly { severity: string; check: string }[]): number {
  const isDamaged = findings.some(({ severity, check }) => severity === 'error' && check !== 'readable');
  return isDamaged ? ERRORS.ARCHIVE_DAMAGED.exit : ERRORS.REPOSITORY_UNREADABLE.exit;
}
