import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  compareCoordinates,
  formatCoordinates,
  parseCoordinates,
  type Coordinates,
} from '../../src/binlog/coordinates.ts';
import type { Repository } from '../../src/archive/repository.ts';
import { listIncidents } from '../../src/operations/incidents.ts';
import { openArchive, type OpenArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { Plan, Target } from '../../src/recovery/plan.ts';
import { runPlan } from '../../src/recovery/restore.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import { readReplicaStatus, stopApplying } from '../../src/server/replica-status.ts';
import { archiveToTheLastByte, silentLog } from '../support/archiver.ts';
import { setBackupScene } from '../support/backup-scene.ts';
import type { Pair } from '../support/pair.ts';
import { Chance } from '../support/chance.ts';
import { finishPrepared, play } from '../support/random-workload/play.ts';
import { randomWorkload } from '../support/random-workload/workload.ts';
import { seededBatches } from '../support/random.ts';
import { contentDifferences, serverContent, type ServerContent } from '../support/server-content.ts';

const CASES = Number(process.env['LASTGOOD_RESTORE_CASES'] ?? 300);
/** They share servers and a backup. A seed's workload is the same in any batch. */
const CASES_PER_BATCH = 10;
const BATCHES = seededBatches(CASES, CASES_PER_BATCH);
const ENGINES = ['applier', 'session'] as const;

/** A group as the primary itself shows it. */
interface ShownGroup {
  readonly gtid: string;
  readonly start: Coordinates;
  /** Where the next one starts: that is where a cut after this one is put; null when there is none. */
  readonly next: Coordinates | null;
}

interface Case {
  readonly seed: number;
  readonly target: Target;
  /** Where the target must resolve to; null where the target itself only selects. */
  readonly expected: Coordinates | null;
}

describe('restore(T)', () => {
  it.each(BATCHES)(
    'equals a replica that stopped at T: $cases workloads from seed $seed (LASTGOOD_SEED repeats them)',
    async ({ seed, cases }) => {
      await using scene = await startScene(seed);
      const chosen: Case[] = [];
      for (let number = 0; number < cases; number += 1) chosen.push(await scene.work(seed + number));
      await archiveToTheLastByte(scene.pair.primary, scene.repository.path);
      using archive = await openArchive(scene.repository.path, { log: silentLog });
      const planned = await inOrder(archive, chosen, scene.backup);
      for (const { plan, seed: caseSeed } of planned) {
        const engine = ENGINES[caseSeed % ENGINES.length] ?? 'applier';
        const expected = await scene.replicaAt(plan.target.resolved);
        const found = await restoredContent(archive, {
          plan,
          engine,
          datadir: join(scene.pair.primary.directory, `restored-${caseSeed}`),
        });
        const alike = engine === 'session' ? withoutEventStatus : (content: ServerContent) => content;
        const differences = contentDifferences(alike(expected), alike(found));
        expect(differences, `seed ${caseSeed}, ${engine}, target ${JSON.stringify(plan.target)}`).toEqual([]);
      }
    },
  );
});

/** An applier disables what its source's events do; to a session it is what the source said. */
function withoutEventStatus(content: ServerContent): ServerContent {
  const plain = (shown: string | null): string | null =>
    shown?.replace(/ (?:ENABLE|DISABLE ON SLAVE) DO /, ' DO ') ?? null;
  return Object.fromEntries(
    Object.entries(content).map(([name, shown]) => [name, name.startsWith('EVENT ') ? plain(shown) : shown]),
  );
}

interface Scene extends AsyncDisposable {
  readonly pair: Pair;
  readonly repository: Repository;
  /** Where the backup stands. */
  readonly backup: Coordinates;
  /** Runs a case's workload and chooses its target. */
  work(seed: number): Promise<Case>;
  /** Lets the replica apply up to a place, and reads what it holds there. */
  replicaAt(place: Coordinates): Promise<ServerContent>;
}

async function startScene(seed: number): Promise<Scene> {
  const backupScene = await setBackupScene({ mode: 'position' });
  try {
    const { pair, repository } = backupScene;
    const { primary, replica } = pair;
    const loadFile = join(primary.directory, 'lines.csv');
    await writeFile(loadFile, Array.from({ length: 30 }, (_, index) => `${index},wörd ${index}\n`).join(''), {
      mode: 0o644,
    });
    await play(primary, randomWorkload(seed + 1_000_000, { schema: 'before the backup', loadFile }));
    await finishPrepared(primary);
    await pair.caughtUp();
    await archiveToTheLastByte(primary, repository.path);
    const { primary: place } = await backupScene.backup();
    const connection = await replica.connect();
    await stopApplying(connection);
    return {
      pair,
      repository,
      backup: parseCoordinates(place.coordinates),
      work: async (caseSeed) => await work(pair, caseSeed, loadFile),
      replicaAt: async (at) => await replicaAt(connection, at),
      [Symbol.asyncDispose]: async () => {
        await connection[Symbol.asyncDispose]();
        await backupScene[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await backupScene[Symbol.asyncDispose]();
    throw error;
  }
}

async function work({ primary }: Pair, seed: number, loadFile: string): Promise<Case> {
  await using connection = await primary.connect();
  const from = (await readBinlogEnd(connection)).coordinates;
  const workload = randomWorkload(seed, { schema: `w${seed}`, loadFile });
  const taken = await play(primary, workload);
  expect(taken, `statements of seed ${seed} that the server took`).toBeGreaterThan(workload.steps.length / 2);
  const groups = await groupsFrom(connection, from);
  const chance = new Chance(seed ^ 0x5eed);
  const group = chance.pick(groups);
  return { seed, ...chance.pick(TARGETS)(group) };
}

const TARGETS: readonly ((group: ShownGroup) => Omit<Case, 'seed'>)[] = [
  ({ gtid, start }) => ({ target: { kind: 'before-gtid', gtid }, expected: start }),
  ({ gtid, next }) => ({ target: { kind: 'after-gtid', gtid }, expected: next }),
  ({ start }) => ({ target: { kind: 'before-coordinates', coordinates: formatCoordinates(start) }, expected: start }),
];

/** From the primary's own list of its events. */
async function groupsFrom(connection: ServerConnection, from: Coordinates): Promise<ShownGroup[]> {
  const logs = await connection.query<{ Log_name: string }>('SHOW BINARY LOGS');
  const groups: { gtid: string; start: Coordinates }[] = [];
  for (const { Log_name: file } of logs) {
    const events = await connection.query<{ Pos: string; Info: string }>(`SHOW BINLOG EVENTS IN '${file}'`);
    for (const { Pos: position, Info: info } of events) {
      const gtid = /^(?:BEGIN |XA START .* )?GTID (\d+-\d+-\d+)/.exec(info)?.[1];
      const start = { file, position: Number(position) };
      if (gtid !== undefined && compareCoordinates(start, from) >= 0) groups.push({ gtid, start });
    }
  }
  return groups.map((group, index) => ({ ...group, next: groups[index + 1]?.start ?? null }));
}

/** Plans, in the order of their cuts: the replica only goes forward. */
async function inOrder(
  archive: OpenArchive,
  cases: readonly Case[],
  backup: Coordinates,
): Promise<{ seed: number; plan: Plan }[]> {
  const planned: { seed: number; plan: Plan }[] = [];
  for (const { seed, target, expected } of [...cases, ...others(archive, cases, backup)]) {
    const plan = await makePlan(archive, target);
    const { file, position } = plan.target.resolved;
    if (expected !== null) expect({ file, position }, `seed ${seed}, ${JSON.stringify(target)}`).toEqual(expected);
    planned.push({ seed, plan });
  }
  return planned.sort((a, b) => compareCoordinates(a.plan.target.resolved, b.plan.target.resolved));
}

/** Targets of the other forms, one of each for a batch: they need to know what is in the archive. */
function others(archive: OpenArchive, cases: readonly Case[], backup: Coordinates): Case[] {
  const seed = cases[0]?.seed ?? 0;
  const incidents = listIncidents(archive).filter(
    ({ file, start }) => compareCoordinates({ file, position: start }, backup) >= 0,
  );
  const incident = incidents[seed % Math.max(incidents.length, 1)];
  const more: Case[] = [{ seed, target: { kind: 'latest' }, expected: null }];
  if (incident !== undefined) {
    const { id, file, start, time } = incident;
    more.push({
      seed: seed + 1,
      target: { kind: 'before-incident', incident: id },
      expected: { file, position: start },
    });
    more.push({ seed, target: { kind: 'at', time }, expected: null });
  }
  return more;
}

async function replicaAt(replica: ServerConnection, { file, position }: Coordinates): Promise<ServerContent> {
  const status = async (): Promise<{ running: boolean; at: Coordinates | null }> => {
    const found = await readReplicaStatus(replica);
    if (typeof found?.sqlError === 'string') throw new Error(`the replica stopped: ${found.sqlError}`);
    return { running: found?.sqlRunning === true, at: found?.executed ?? null };
  };
  const before = (await status()).at;
  if (before === null || compareCoordinates(before, { file, position }) < 0) {
    await replica.query(`START SLAVE SQL_THREAD UNTIL MASTER_LOG_FILE = '${file}', MASTER_LOG_POS = ${position}`);
    // At the log's end it stands there without stopping.
    const stands = async (): Promise<boolean> => {
      const { running, at } = await status();
      return !running || (at !== null && compareCoordinates(at, { file, position }) >= 0);
    };
    await waitFor(stands, { timeoutMs: 60_000, intervalMs: 10, what: `the replica at ${file}:${position}` });
    await stopApplying(replica);
    expect((await status()).at).toEqual({ file, position });
  }
  return await serverContent(replica);
}

async function restoredContent(
  { repository }: OpenArchive,
  { plan, datadir, engine }: { plan: Plan; datadir: string; engine: (typeof ENGINES)[number] },
): Promise<ServerContent> {
  const into = { kind: 'scratch', datadir } as const;
  const ran = await runPlan({ plan, repository, into, engine, incident: null, reference: null, log: silentLog });
  await using target = ran.target;
  expect(ran.proof.checks.filter(({ ok }) => !ok)).toEqual([]);
  return await serverContent(target.admin);
}
