import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archiveToTheLastByte } from '../support/archiver.ts';
import { readStates } from '../support/crash-image.ts';
import {
  heal,
  mustArchive,
  problemsOf,
  runArchive,
  writeConfig,
  type Ended,
  type StoredForm,
} from '../support/crash-scene.ts';
import { stepClass } from '../support/crash-steps.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

const FORM: StoredForm = { compression: 'zstd', encrypted: true };
const STATEMENTS = [
  'CREATE DATABASE a',
  'FLUSH BINARY LOGS',
  'CREATE DATABASE b',
  'FLUSH BINARY LOGS',
  'DROP DATABASE a',
];

/** A kind of step, and whether the run that makes it goes on from an archive that was begun. */
interface FailStep {
  readonly step: string;
  readonly begun: boolean;
}

/** The real program, killed or failed at every kind of step that it makes, once each; then started again. */
describe('a failpoint at every kind of write step', () => {
  let server: TestServer;
  let config: string;
  let steps: FailStep[];
  const root = (): string => join(server.directory, 'archive');
  const begun = (): string => join(server.directory, 'begun');

  beforeAll(async () => {
    server = await startPrimary();
    config = join(server.directory, 'lastgood.toml');
    await writeConfig(server, { path: config, repository: root(), form: FORM });
    await using connection = await server.connect();
    for (const statement of STATEMENTS.slice(0, 3)) await connection.query(statement);
    const fromNothing = await record('first');
    await cp(root(), begun(), { recursive: true });
    for (const statement of STATEMENTS.slice(3)) await connection.query(statement);
    await archiveToTheLastByte(server, join(server.directory, 'settled')); // from now on the source writes nothing
    const later = (await record('second')).filter((step) => !fromNothing.includes(step));
    steps = [...fromNothing.map((step) => ({ step, begun: false })), ...later.map((step) => ({ step, begun: true }))];
  }, 120_000);

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** The kinds of steps that one run makes. */
  async function record(name: string): Promise<string[]> {
    const folder = join(server.directory, name);
    await mkdir(folder);
    await mustArchive(config, { kind: 'record', root: root(), folder });
    return [...new Set(readStates(folder).map(({ step }) => stepClass(step.replace(/^(?:after|half of) /, ''))))];
  }

  async function crash({ step, begun: isBegun }: FailStep, plan: { kind: 'kill' } | { kind: 'fail' }): Promise<Ended> {
    await rm(root(), { recursive: true, force: true });
    if (isBegun) await cp(begun(), root(), { recursive: true });
    const where = { root: root(), step };
    return await runArchive(
      config,
      plan.kind === 'kill' ? { ...plan, ...where, when: 'before' } : { ...plan, ...where, code: 'ENOSPC' },
    );
  }

  async function problemsAfterHealing(): Promise<string[]> {
    try {
      const keyFile = `${config}.key`;
      await heal(server, root(), { form: FORM, keyFile });
      return await problemsOf(server, root(), keyFile);
    } catch (error) {
      return [String(error)];
    }
  }

  it('killed just before each: the next start heals it', { timeout: 400_000 }, async () => {
    const wrong: string[] = [];
    for (const step of steps) {
      const { signal, stderr } = await crash(step, { kind: 'kill' });
      if (signal !== 'SIGKILL') wrong.push(`${step.step}: was not killed there: ${stderr}`);
      for (const problem of await problemsAfterHealing()) wrong.push(`${step.step}: ${problem}`);
    }
    expect(wrong).toEqual([]);
    expect(steps.length).toBeGreaterThan(25);
  });

  it(
    'no room at each: ends with the reason, or works all the same, and goes on when there is',
    { timeout: 400_000 },
    async () => {
      const wrong: string[] = [];
      for (const step of steps) {
        const { exitCode, stderr } = await crash(step, { kind: 'fail' });
        const isTold = exitCode === 10 && /cannot write .*(?:ENOSPC|disk is full)/.test(stderr);
        if (exitCode !== 0 && !isTold) wrong.push(`${step.step}: exit ${exitCode}: ${stderr}`);
        for (const problem of await problemsAfterHealing()) wrong.push(`${step.step}: ${problem}`);
      }
      expect(wrong).toEqual([]);
    },
  );
});
