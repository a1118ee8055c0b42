import { CommanderError } from 'commander';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { visible } from '../platform/visible.ts';
import { interrupted } from '../platform/wait.ts';
import { colorFor, paint } from './output/color.ts';
import { runnable, type Given } from './runnable.ts';

export interface ReportOptions {
  readonly json: boolean;
  /** True when a signal asked the command to stop: what it threw then is the interruption, not a bug. */
  readonly interrupted: boolean;
  /** Commands in hints repeat it. */
  readonly given?: Given;
}

const BUG_EXIT_CODE = 1;

/**
 * The only place where an error becomes words: message and hint for an expected one, the stack for a bug.
 * Text goes to stderr; with `--json` the same facts go to stdout, where the result would have been.
 *
 * @returns the exit code
 */
export function reportError(error: unknown, options: ReportOptions): number {
  const known = toKnownError(error, options);
  if (known === null) return reportBug(error, options.json);
  const { code, message, details, exitCode } = known;
  const hint = runnable(known.hint, options.given ?? {});
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ error: { code, message, hint, details, exitCode } })}\n`);
  } else {
    const color = colorFor(process.stderr);
    process.stderr.write(`${paint('red', 'error:', color)} ${visible(`${message} [${code}]\nhint: ${hint}`)}\n`);
  }
  return exitCode;
}

function toKnownError(error: unknown, { interrupted: wasInterrupted }: ReportOptions): LastgoodError | null {
  if (isLastgoodError(error)) return error;
  if (error instanceof CommanderError) return usageError(error);
  if (wasInterrupted && isAbort(error)) return interrupted(error);
  return null;
}

const HELP_WITHOUT_COMMAND = 'commander.help';

/** commander writes `error: unknown option '--x'` and, on a second line, `(Did you mean --y?)`; or two sentences: `... is invalid. It must be ...`. */
function usageError(error: CommanderError): LastgoodError {
  if (error.code === HELP_WITHOUT_COMMAND) return new LastgoodError('USAGE', 'no command is given', { cause: error });
  const message = error.message.replace(/^error: /, '').replaceAll(/\s+/g, ' ');
  const inOurStyle = message.replace(/\. ([A-Z])/, (_, first: string) => `: ${first.toLowerCase()}`).replace(/\.$/, '');
  return new LastgoodError('USAGE', inOurStyle, { cause: error });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

function reportBug(error: unknown, json: boolean): number {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = 'This is a bug in lastgood: please report it with the stack.';
  if (json) {
    const details = { stack };
    process.stdout.write(
      `${JSON.stringify({ error: { code: 'BUG', message, hint, details, exitCode: BUG_EXIT_CODE } })}\n`,
    );
  }
  process.stderr.write(visible(`error: ${message} [BUG]\n${stack}\nhint: ${hint}\n`));
  return BUG_EXIT_CODE;
}
