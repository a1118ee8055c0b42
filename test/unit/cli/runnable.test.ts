import { expect, it } from 'vitest';
import { readGiven, runnable, runnableWords } from '../../../src/cli/runnable.ts';

const GIVEN = { config: '/etc/my shop.toml' };

it('gives each command in a text the configuration of the run', () => {
  expect(runnable('Is it right? `lastgood archive` makes it; then `lastgood catalog rebuild`.', GIVEN)).toBe(
    "Is it right? `lastgood --config '/etc/my shop.toml' archive` makes it; then `lastgood --config '/etc/my shop.toml' catalog rebuild`.",
  );
  expect(runnable('lastgood archive --new-lineage; lastgood backup', { config: 'a.toml' })).toBe(
    'lastgood --config a.toml archive --new-lineage; lastgood --config a.toml backup',
  );
});

it('leaves alone what has no configuration, what is no command, and every text of a run that was given nothing', () => {
  expect(runnable('`lastgood scan FILE`, `lastgood demo`', GIVEN)).toBe('`lastgood scan FILE`, `lastgood demo`');
  const version = 'Use the lastgood version that wrote it, or a newer one.';
  expect(runnable(version, GIVEN)).toBe(version);
  expect(runnable('`lastgood archive` makes it', {})).toBe('`lastgood archive` makes it');
});

it('names the option file of the server, which only the command line knows', () => {
  const hint = '`lastgood restore --resume --server FILE` goes on with it.';
  expect(runnable(hint, { server: '/etc/spare$&.cnf' })).toBe(
    "`lastgood restore --resume --server '/etc/spare$&.cnf'` goes on with it.",
  );
  expect(runnable(hint, GIVEN)).toContain('--server FILE');
});

it('changes our own words in a result, and nothing that was found', () => {
  const time = new Date(0);
  const found = { statement: 'lastgood backup', rows: [1, null, time], name: '`lastgood plan`' };
  const result = { ...found, findings: [{ ...found, fix: 'lastgood backup' }], commands: ['lastgood plan --latest'] };
  expect(runnableWords(result, { config: 'a.toml' })).toEqual({
    ...found,
    findings: [{ ...found, fix: 'lastgood --config a.toml backup' }],
    commands: ['lastgood --config a.toml plan --latest'],
  });
  expect(runnableWords(result, {})).toBe(result);
});

it('reads what was given from the arguments, the last one where there are several, and none behind --', () => {
  expect(readGiven(['--config', 'a', 'restore', '--server=s.cnf', '--config=b'])).toEqual({
    config: 'b',
    server: 's.cnf',
  });
  expect(readGiven(['scan', '--', '--config', 'a'])).toEqual({ config: undefined, server: undefined });
  expect(readGiven(['plan', '--config'])).toEqual({ config: undefined, server: undefined });
});
