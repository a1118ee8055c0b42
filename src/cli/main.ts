import { CommanderError } from 'commander';
import { LastgoodError } from '../platform/errors.ts';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';
import { readGiven } from './runnable.ts';
import { listenForSignals } from './signals.ts';

/**
 * The command line: argv enters, one operation runs, its result leaves as text or JSON on stdout.
 * Only this room prints, reads the environment and sets exit codes; it must not know how anything works.
 */

/** Runs one command line. Sets `process.exitCode` and returns; never throws, never ends the process itself. */
export async function main(argv: readonly string[]): Promise<void> {
  listenForLostOutput();
  using interruption = listenForSignals();
  try {
    const program = await createProgram(interruption.signal, argv);
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (isHelp(error)) return;
    process.exitCode = reportError(error, {
      json: wantsJson(argv),
      interrupted: interruption.signal.aborted,
      given: readGiven(argv),
    });
  }
}

/** commander throws after it has printed --help or --version, which are no errors. */
function isHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** Read from argv itself: usage errors happen before options are parsed. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
}

/**
 * `lastgood incidents | head` closes our stdout early: what is not wanted any more is not an error. A full disk is one. When
 * stderr is lost there is nobody to tell.
 */
function listenForLostOutput(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') return;
    const error = new LastgoodError('STORAGE_FAILED', `cannot write to standard output: ${cause.message}`, { cause });
    process.exitCode = reportError(error, { json: false, interrupted: false });
  });
}
