import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { parseError, runLastgood } from './run-lastgood.ts';

/** Every command's words, also those of commands in commands. */
const COMMANDS = (await createProgram(new AbortController().signal)).commands.flatMap((command) => [
  [command.name()],
  ...command.commands.map((inner) => [command.name(), inner.name()]),
]);

describe('help', () => {
  it.each(COMMANDS.map((words) => words.join(' ')))(
    'of `lastgood %s` shows an example and the global options',
    async (words) => {
      const { exitCode, stdout, stderr } = await runLastgood([...words.split(' '), '--help']);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`Examples?:\\n  \\$ lastgood ${words}`));
      expect(stdout).toContain('--config <file>');
    },
  );

  it('of the program lists every command and the exit codes', async () => {
    const { exitCode, stdout } = await runLastgood(['--help']);
    expect(exitCode).toBe(0);
    for (const [name] of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${name ?? ''}[ |]`, 'm'));
    expect(stdout).toContain('Exit codes: 0 done');
  });

  it('--version is the version of package.json', async () => {
    const { stdout } = await runLastgood(['--version']);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('a usage error', () => {
  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['plna'], "unknown command 'plna' (Did you mean plan?)"],
    [['scan'], "missing required argument 'file'"],
    [['plan', '--bfore', 'x'], "unknown option '--bfore' (Did you mean --before?)"],
    [['plan'], 'no target is given'],
    [['rehearse', '--datadir', ''], "option '--datadir <dir>' argument '' is invalid: it must name a folder"],
    [
      ['restore', '--latest', '--datadir', ''],
      "option '--datadir <dir>' argument '' is invalid: it must name a folder",
    ],
    [['restore', '--latest'], 'restore needs a place: --datadir DIR for a new server, or --server FILE'],
    [
      ['restore', '--latest', '--server', 'a.cnf', '--datadir', 'b'],
      "option '--server <file>' cannot be used with option '--datadir <dir>'",
    ],
    [
      ['restore', '--resume'],
      '--resume needs the place of the restore that is to go on: --datadir DIR or --server FILE',
    ],
    [
      ['restore', '--resume', '--server', 'a.cnf', '--latest'],
      '--resume with --server brings a restore to its own target: leave the target options and --skip away',
    ],
    [
      ['restore', '--resume', '--datadir', 'b', '--engine', 'session'],
      "option '--resume' cannot be used with option '--engine <engine>'",
    ],
    [
      ['restore', '--plan', 'p.json', '--latest', '--datadir', 'b'],
      '--plan has a target of its own: leave the target options and --skip away',
    ],
    [['plan', '--latest', '--before', 'inc-1'], '2 targets are given, only one can be meant'],
  ])('%j exits 2 with one message on stderr and nothing on stdout', async (args, message) => {
    const { exitCode, stdout, stderr } = await runLastgood(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .* \[USAGE\]\nhint: .*\n$/);
    expect(stderr).toContain(`error: ${message} [USAGE]`);
  });

  it('is one JSON document on stdout with --json', async () => {
    const outcome = await runLastgood(['plan', '--json']);
    expect({ exitCode: outcome.exitCode, stderr: outcome.stderr }).toEqual({ exitCode: 2, stderr: '' });
    expect(parseError(outcome)).toMatchObject({
      code: 'USAGE',
      message: 'no target is given',
      details: {},
      exitCode: 2,
    });
  });

  it('without any command shows the help', async () => {
    const { exitCode, stdout, stderr } = await runLastgood([]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('Usage: lastgood');
    expect(stderr).toContain('error: no command is given [USAGE]');
  });
});

describe('a malformed target', () => {
  it.each([
    ['--at', '2026-11-22T10:00:00', 'TIME_INVALID'],
    ['--at', '2026-11-22 10:00', 'TIME_INVALID'],
    ['--at', '2026-02-30T10:00:00Z', 'TIME_INVALID'],
    ['--before-coordinates', 'binlog.42', 'COORDINATES_INVALID'],
    ['--before-gtid', '0-1', 'GTID_INVALID'],
    ['--after-gtid', 'zero', 'GTID_INVALID'],
  ])('%s %s is %s, before anything is opened', async (option, value, code) => {
    const outcome = await runLastgood(['plan', option, value, '--json', '--config', '/not/there.toml']);
    expect(outcome.exitCode).toBe(2);
    expect(parseError(outcome).code).toBe(code);
  });
});
