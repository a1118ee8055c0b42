import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import type { RestoreResult } from '../../src/operations/restore.ts';
import { endProcesses, findProcesses } from '../../src/platform/other-processes.ts';
import { sweepLeftDirectories } from '../../src/platform/swept-directory.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { Proof } from '../../src/recovery/proof.ts';
import type { ReplayEngine } from '../../src/recovery/restore-phases.ts';
import type { RestoreNote } from '../../src/recovery/restore-note.ts';
import { writeArchiverConfig } from '../support/archiver-process.ts';
import { archiveUntilCurrent, silentLog } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { stateOf } from '../support/existing-target.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { startWorkload } from '../support/workload.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/lastgood');
const ROUNDS = Number(process.env['LASTGOOD_RESTORE_KILLS'] ?? 30);
/** So often a restore is killed at most before it may come to its end. */
const KILLS_PER_ROUND = 3;

let scene: BackupScene;
let folder: string;
let config: string;
let planFile: string;
/** The temporary folder of the restores. */
let temporary: string;

beforeAll(async () => {
  scene = await setBackupScene();
  folder = scene.pair.primary.directory;
  const { primary } = scene.pair;
  const { path } = scene.repository;
  await using connection = await primary.connect();
  await run(connection, ["CREATE USER 'app'@'localhost' IDENTIFIED BY 'app-password'"]);
  await archiveUntilCurrent(primary, path);
  await scene.pair.caughtUp();
  await scene.backup();
  const workload = await startWorkload(() => primary.connect());
  // What a crash could do by half: definitions, accounts, routines, between the transactions.
  for (let step = 0; step < 40; step += 1) {
    await waitFor(() => workload.committed > step * 100, { timeoutMs: 60_000, intervalMs: 1, what: 'the workload' });
    await run(connection, DEFINITIONS[step % DEFINITIONS.length]?.(step) ?? []);
  }
  await workload.stop();
  await archiveUntilCurrent(primary, path);
  config = join(folder, 'lastgood.toml');
  planFile = join(folder, 'plan.json');
  temporary = await mkdtemp(join(folder, 'tmp-'));
  await writeArchiverConfig(config, {
    repository: path,
    source: { port: primary.port, user: 'nobody', password: '' },
  });
  using archive = await openArchive(path, { log: silentLog });
  await writeFile(planFile, JSON.stringify(await makePlan(archive, { kind: 'latest' })));
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

/** None can be done twice without a trace. */
const DEFINITIONS: readonly ((step: number) => string[])[] = [
  (step) => [`CREATE TABLE shop.t${step} (a INT PRIMARY KEY, b INT)`, `INSERT INTO shop.t${step} VALUES (1, ${step})`],
  (step) => [`ALTER TABLE shop.t${step - 1} ADD INDEX (b)`],
  (step) => [`CREATE USER 'late${step}'@'localhost'`, `GRANT SELECT ON shop.* TO 'late${step}'@'localhost'`],
  (step) => [
    `CREATE TABLE shop.u${step} (a INT PRIMARY KEY)`,
    `RENAME TABLE shop.t${step - 3} TO shop.swap, shop.u${step} TO shop.t${step - 3}, shop.swap TO shop.u${step}`,
  ],
];

interface Running {
  readonly child: ChildProcess;
  /** Exit code, or null after a kill, and what it said; with its result. */
  readonly ended: Promise<{ code: number | null; said: string; result: string }>;
  /** Resolves when it has said this, or has ended. */
  said(what: string): Promise<void>;
}

function start(datadir: string, engine: ReplayEngine): Running {
  const how = noteOf(datadir) === null ? ['--plan', planFile, '--engine', engine] : ['--resume'];
  return launch([...how, '--datadir', datadir, '--stop']);
}

function launch(how: readonly string[]): Running {
  const args = ['restore', ...how, '--json', '--config', config];
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, LASTGOOD_TEST_PASSWORD: '', TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [result, log] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    result += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  return {
    child,
    ended: once(child, 'close').then(() => ({ code: child.exitCode, said: result + log, result })),
    said: async (what) => {
      const isThere = (): boolean => log.includes(what) || child.exitCode !== null;
      await waitFor(isThere, { timeoutMs: 60_000, intervalMs: 5, what: `'${what}'` });
    },
  };
}

function noteOf(datadir: string): RestoreNote | null {
  const path = join(datadir, 'lastgood-restore.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as RestoreNote) : null;
}

/** Everything that a restore is proven by, and what no checksum of tables tells. */
interface Outcome {
  readonly proof: Pick<Proof, 'appliedGroups' | 'tables'>;
}

function outcomeOf(datadir: string): Outcome {
  const note = noteOf(datadir);
  expect(note?.phase).toBe('done');
  return provenBy(note?.result as RestoreResult);
}

function provenBy({ proof }: RestoreResult): Outcome {
  return { proof: { appliedGroups: proof.appliedGroups, tables: proof.tables } };
}

type Victim = 'lastgood' | 'server' | 'both';
const VICTIMS: readonly Victim[] = ['lastgood', 'server', 'both'];

/** With SIGKILL: what runs on the folder is the server, or what installs it. */
async function kill({ child, ended }: Running, victim: Victim, datadir: string): Promise<void> {
  if (victim !== 'server') child.kill('SIGKILL');
  if (victim !== 'lastgood') {
    for (const pid of findProcesses({ argument: `--datadir=${datadir}` })) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // it ended by itself
      }
    }
  }
  await ended;
}

async function uninterrupted(datadir: string): Promise<number> {
  const began = performance.now();
  const { code, said } = await start(datadir, 'applier').ended;
  expect([0, 3], said).toContain(code);
  return performance.now() - began;
}

/** Waits for a random moment. Loading takes longest: without a look at the phase most of them would be in it, and few in what goes on. */
async function moment(
  { child, ended }: Running,
  datadir: string,
  { random, milliseconds }: { random: () => number; milliseconds: number },
): Promise<void> {
  const isThere = (): boolean => child.exitCode !== null || noteOf(datadir)?.phase === 'replaying';
  if (random() < 0.7) await waitFor(isThere, { timeoutMs: 60_000, intervalMs: 5, what: 'the replay' });
  await Promise.race([delay(random() * milliseconds * 0.3), ended]);
}

/** Kills it some times, and lets it come to its end. @returns what happened, in words */
async function killAndResume(
  datadir: string,
  { random, milliseconds, engine }: { random: () => number; milliseconds: number; engine: ReplayEngine },
): Promise<string> {
  const history: string[] = [engine];
  const kills = 1 + Math.floor(random() * KILLS_PER_ROUND);
  for (let count = 0; count < kills && noteOf(datadir)?.phase !== 'done'; count += 1) {
    const running = start(datadir, engine);
    await moment(running, datadir, { random, milliseconds });
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? 'both';
    await kill(running, victim, datadir);
    history.push(`${victim} while ${noteOf(datadir)?.phase ?? 'nothing was written'}`);
  }
  if (noteOf(datadir)?.phase !== 'done') {
    const { code, said } = await start(datadir, engine).ended;
    expect([0, 3], `${history.join(', ')}: ${said}`).toContain(code);
  }
  const { resumed } = noteOf(datadir)?.result as RestoreResult;
  return [...history, resumed === null ? 'not resumed' : (resumed.anew ?? GONE_ON)].join(', ');
}

const GONE_ON = 'gone on';
const ENGINES: readonly ReplayEngine[] = ['applier', 'session'];

/** In turns. */
function engineOf(round: number): ReplayEngine {
  return ENGINES[round % ENGINES.length] ?? 'applier';
}

describe('a restore that is killed', () => {
  it(
    `comes to the same result, ${ROUNDS} times at random moments`,
    async () => {
      const seed = chooseSeed();
      console.info(`seed ${seed}`);
      const random = seededRandom(seed);
      const whole = join(folder, 'whole');
      const milliseconds = await uninterrupted(whole);
      const expected = outcomeOf(whole);
      const histories: string[] = [];
      const hasGoneOn = (engine: ReplayEngine): boolean =>
        histories.some((history) => history.startsWith(engine) && history.endsWith(GONE_ON));
      // Moments are random: some more, where none has shown it yet.
      for (let round = 1; round <= ROUNDS || (round <= 2 * ROUNDS && !ENGINES.every(hasGoneOn)); round += 1) {
        const datadir = join(folder, `round-${round}`);
        const history = await killAndResume(datadir, { random, milliseconds, engine: engineOf(round) });
        expect(outcomeOf(datadir), `seed ${seed}, round ${round}: ${history}`).toEqual(expected);
        await endProcesses({ argument: `--datadir=${datadir}` }, { signal: 'SIGKILL', timeoutMs: 10_000 });
        await rm(datadir, { recursive: true });
        histories.push(history);
        console.info(`round ${round}: ${history}`);
      }
      expect(ENGINES.filter(hasGoneOn)).toEqual(ENGINES);
    },
    60_000 * (2 * ROUNDS + 1),
  );
});

const SERVER_ROUNDS = Math.ceil(ROUNDS / 5);

const REPLAYING = 'replaying the archive';

/** When to kill: so long after it said that, or after its start. */
interface Moment {
  readonly engine: ReplayEngine;
  readonly step: string | null;
  readonly afterMs: number;
}

/** Of the first rounds: one goes on, and one has to be emptied. */
const SURE_MOMENTS: readonly Moment[] = [
  { engine: 'applier', step: REPLAYING, afterMs: 0 },
  { engine: 'session', step: 'loading the backup', afterMs: 0 },
];

/** Kills a restore into the server, and does then what its messages say. @returns what happened, in words */
async function killAndGoOn(
  target: TestServer,
  server: string,
  { step, afterMs, engine }: Moment,
): Promise<[string, Outcome]> {
  const begin = ['--plan', planFile, '--server', server, '--engine', engine];
  const running = launch(begin);
  if (step !== null) await running.said(step);
  await Promise.race([delay(afterMs), running.ended]);
  running.child.kill('SIGKILL');
  const killed = await running.ended;
  if (killed.code !== null) return ['not killed', provenBy(JSON.parse(killed.result) as RestoreResult)];
  const { code, result, said } = await launch(['--resume', '--server', server]).ended;
  if (code === 0 || code === 3) return [GONE_ON, provenBy(JSON.parse(result) as RestoreResult)];
  expect(code, said).toBe(40);
  const { error } = JSON.parse(result) as { error: { message: string; details: { cleanup?: string } } };
  await using root = await target.connect();
  await root.query('SET SESSION sql_log_bin = 0');
  await run(
    root,
    (error.details.cleanup ?? '').split(';\n').filter((statement) => statement !== ''),
  );
  const again = await launch(begin).ended;
  expect([0, 3], `${error.message}; ${again.said}`).toContain(again.code);
  return [error.message, provenBy(JSON.parse(again.result) as RestoreResult)];
}

/** Also a client that a killed restore had started is gone by now: nothing of theirs is kept, passwords first of all. */
async function expectSwept(): Promise<void> {
  vi.stubEnv('TMPDIR', temporary);
  await sweepLeftDirectories();
  vi.unstubAllEnvs();
  expect(await readdir(temporary)).toEqual([]);
}

describe('a restore into a server that was there, which is killed', () => {
  it(
    `comes to the same result, ${SERVER_ROUNDS} times at random moments, and gives the server back as it was`,
    async () => {
      const seed = chooseSeed();
      console.info(`seed ${seed}`);
      const random = seededRandom(seed);
      const whole = join(folder, 'whole-beside');
      await uninterrupted(whole);
      const expected = outcomeOf(whole);
      const histories: string[] = [];
      for (let round = 1; round <= SERVER_ROUNDS; round += 1) {
        await using target = await startPrimary({ serverId: 500, args: ['--sync-binlog=1', '--event-scheduler=ON'] });
        const server = join(target.directory, 'target.cnf');
        await writeFile(server, `[client]\nuser=root\nsocket=${target.socket}\n`, { mode: 0o600 });
        const before = await stateOf(target);
        const moment = SURE_MOMENTS[round - 1] ?? {
          ...{ engine: engineOf(round), step: random() < 0.7 ? REPLAYING : null, afterMs: random() * 1500 },
        };
        const [history, outcome] = await killAndGoOn(target, server, moment);
        expect(outcome, `seed ${seed}, round ${round}: ${history}`).toEqual(expected);
        const after = await stateOf(target);
        for (const part of ['variables', 'accounts', 'system', 'primaries']) expect(after[part]).toEqual(before[part]);
        histories.push(history);
        console.info(`round ${round}, ${moment.engine}: ${history}`);
      }
      expect(histories).toContain(GONE_ON);
      await expectSwept();
    },
    60_000 * (SERVER_ROUNDS + 1),
  );
});
