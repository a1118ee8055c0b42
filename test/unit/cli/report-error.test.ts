import { CommanderError } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { reportError } from '../../../src/cli/report-error.ts';
import { LastgoodError } from '../../../src/platform/errors.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

/** What reporting `error` puts where, and the exit code it asks for. */
function report(error: unknown, options: { json?: boolean; interrupted?: boolean } = {}) {
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
      written[name] += chunk.toString();
      return true;
    });
  }
  const exitCode = reportError(error, { json: options.json ?? false, interrupted: options.interrupted ?? false });
  vi.restoreAllMocks();
  return { exitCode, ...written };
}

describe('an expected error', () => {
  const error = new LastgoodError('ARCHIVE_GAP', "the archive lacks 'binlog.000002'", {
    details: { file: 'binlog.000002' },
  });

  it('is message and hint on stderr, without a stack', () => {
    expect(report(error)).toEqual({
      exitCode: 20,
      stdout: '',
      stderr:
        "error: the archive lacks 'binlog.000002' [ARCHIVE_GAP]\n" +
        'hint: Choose a target before the gap, or one that a backup taken after it can reach.\n',
    });
  });

  it('is one document on stdout with --json', () => {
    const { exitCode, stdout, stderr } = report(error, { json: true });
    expect({ exitCode, stderr }).toEqual({ exitCode: 20, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'ARCHIVE_GAP',
        message: "the archive lacks 'binlog.000002'",
        hint: 'Choose a target before the gap, or one that a backup taken after it can reach.',
        details: { file: 'binlog.000002' },
        exitCode: 20,
      },
    });
  });
});

describe('a wrong command line', () => {
  it('is told as our own errors are: no capital, no full stop', () => {
    const error = new CommanderError(
      1,
      'commander.invalidArgument',
      "error: option '--jobs <n>' argument '0' is invalid. It must be 1.",
    );
    expect(report(error).stderr).toContain("error: option '--jobs <n>' argument '0' is invalid: it must be 1 [USAGE]");
  });
});

describe('a bug', () => {
  it('is shown with its stack, asks to be reported, and exits 1', () => {
    const { exitCode, stdout, stderr } = report(new TypeError('x is not a function'));
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toMatch(/^error: x is not a function \[BUG\]\nTypeError: x is not a function\n {4}at /);
    expect(stderr).toContain('please report it');
  });

  it('is a document on stdout, too, with --json', () => {
    const { stdout } = report('thrown text', { json: true });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'BUG', message: 'thrown text', exitCode: 1 } });
  });
});

describe('an aborted wait', () => {
  const abort = new DOMException('This operation was aborted', 'AbortError');

  it('is the interruption when a signal came', () => {
    expect(report(abort, { interrupted: true })).toMatchObject({
      exitCode: 130,
      stderr: expect.stringMatching(/^error: interrupted \[INTERRUPTED\]\n/) as string,
    });
  });

  it('is a bug when none came', () => {
    expect(report(abort).exitCode).toBe(1);
  });
});
