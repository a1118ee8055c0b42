import { CommanderError } from 'commander';
import { createProgram } from './program.ts';
import { reportError } from './report-error.ts';
import { listenForSignals } from './signals.ts';

/**
 * The command line: argv enters, one operation runs, its result leaves as text or JSON on stdout.
 * Only this room prints, reads the environment and sets exit codes; it must not know how anything works.
 */

/** Runs one command line. Sets `process.exitCode` and returns; never throws, never ends the process itself. */
export async function main(argv: readonly string[]): Promise<void> {
  ignoreClosedPipes();
  using interruption = listenForSignals();
  try {
    await createProgram(interruption.signal).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (isHelp(error)) return;
    process.exitCode = reportError(error, { json: wantsJson(argv), interrupted: interruption.signal.aborted });
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

/** `lastgood incidents | head` closes our stdout early: what is not wanted any more is not an error. */
function ignoreClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
