import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { FIRST_EVENT_OFFSET } from '../src/binlog/coordinates.ts';
import { createLogger } from '../src/platform/logger.ts';
import { makeTempDirectory } from '../src/platform/temp-dir.ts';
import { chooseServerId, createScratchServer } from '../src/recovery/create-scratch.ts';
import { servedRange } from '../src/recovery/plan-ranges.ts';
import { replay } from '../src/recovery/replay.ts';
import type { ScratchServer } from '../src/recovery/scratch-server.ts';
import { sourceZone } from '../src/recovery/source-zone.ts';
import { listTables, readTableStates, type TableState } from '../src/recovery/table-state.ts';
import type { ServedRange } from '../src/server/served-range.ts';
import { pipeLog } from './by-hand.ts';
import { ensureSmallTransactionLog, type BenchLog } from './data.ts';
import { median, readCpu } from './measure.ts';

const MEGABYTES = Number(process.env['LASTGOOD_BENCH_MB'] ?? 256);
const ROUNDS = Number(process.env['LASTGOOD_BENCH_ROUNDS'] ?? 3);
const GOAL = 5;
const NOT_SLOWER = 1;
const GOAL_BYTES = 200e6;
/** `slave_parallel_threads` of our runs: 0 is one thread that receives and one that applies. */
const PARALLEL_THREADS = [0, 2, 4];

interface Contestant {
  readonly name: string;
  readonly work: (scratch: ScratchServer) => Promise<void>;
  readonly runs: Run[];
}

interface Run {
  readonly seconds: number;
  /** CPU seconds of the server, and of what brings it the log: our process, or the peer's two programs. */
  readonly serverCpu: number;
  readonly clientCpu: number;
}

/**
 * Replays the same log of small transactions into fresh servers with the same settings, those of a restore, in turns: by the peer,
 * a pipe of the servers' own tools through the server's socket, and by ours, with one applier thread and with more. All must end
 * with equal tables.
 */
export async function run(): Promise<void> {
  const log = await ensureSmallTransactionLog(MEGABYTES);
  print(
    `replay: ${log.files.length} files, ${(log.bytes / 1e6).toFixed(0)} MB, ${log.groups} groups, ${ROUNDS} rounds, ${availableParallelism()} cores`,
  );
  const peer: Contestant = {
    name: 'mariadb-binlog FILES | mariadb',
    work: ({ login }) => pipeLog(login, log.files),
    runs: [],
  };
  const ours = PARALLEL_THREADS.map((threads): Contestant => {
    const name = `lastgood replay, ${threads === 0 ? 'one applier' : `${threads} parallel`}`;
    return { name, work: (scratch) => replayByApplier(scratch, { log, threads }), runs: [] };
  });
  let expected: string | null = null;
  for (let round = 1; round <= ROUNDS; round += 1)
    for (const contestant of [peer, ...ours]) {
      const { tables, ...measured } = await measureIn(contestant.work);
      contestant.runs.push(measured);
      expected ??= JSON.stringify(tables);
      if (JSON.stringify(tables) !== expected) throw new Error(`${contestant.name}: other tables than the peer's`);
    }
  report(log, peer, ours);
}

function report({ bytes }: BenchLog, peer: Contestant, ours: readonly Contestant[]): void {
  for (const { name, runs } of [peer, ...ours]) {
    const seconds = medianOf(runs, 'seconds');
    const speed = `${(bytes / 1e6 / seconds).toFixed(1).padStart(6)} MB/s`;
    const cpu = `CPU ${medianOf(runs, 'serverCpu').toFixed(1)} + ${medianOf(runs, 'clientCpu').toFixed(1)} s`;
    const all = runs.map((run) => run.seconds.toFixed(1)).join(' ');
    print(`  ${name.padEnd(32)} ${seconds.toFixed(1).padStart(6)} s ${speed}  (${all})  ${cpu}`);
  }
  for (const { name, runs } of ours) {
    const ratio = medianOf(peer.runs, 'seconds') / medianOf(runs, 'seconds');
    print(`  ${name}: ratio ${ratio.toFixed(2)}, goal ${GOAL}: ${verdict(ratio >= GOAL)}`);
  }
  const [one, ...parallel] = ours;
  for (const { name, runs } of one === undefined ? [] : parallel) {
    const ratio = medianOf(one?.runs ?? [], 'seconds') / medianOf(runs, 'seconds');
    print(`  ${name}: ${ratio.toFixed(2)} times as fast as one, goal ${NOT_SLOWER}: ${verdict(ratio >= NOT_SLOWER)}`);
  }
  const peak = process.resourceUsage().maxRSS * 1024; // kilobytes
  print(
    `  equal tables; our memory ${(peak / 1e6).toFixed(0)} MB, goal ${GOAL_BYTES / 1e6}: ${verdict(peak < GOAL_BYTES)}`,
  );
}

function medianOf(runs: readonly Run[], what: keyof Run): number {
  return median(runs.map((run) => run[what]));
}

function verdict(reached: boolean): string {
  return reached ? 'reached' : 'missed';
}

interface Outcome extends Run {
  readonly tables: readonly TableState[];
}

async function measureIn(work: (scratch: ScratchServer) => Promise<void>): Promise<Outcome> {
  await using folder = await makeTempDirectory('lastgood-bench-');
  await using scratch = await createScratchServer(
    {
      datadir: join(folder.path, 'data'),
      port: 0,
      serverId: chooseServerId(),
      settings: {},
      zone: sourceZone({}, []),
      dataBytes: MEGABYTES * 1024 * 1024,
      onError: 'empty',
      log: createLogger({ level: 'silent', pretty: false }),
    },
    () => Promise.resolve(),
  );
  const started = performance.now();
  const before = await cpuOf(scratch);
  await work(scratch);
  const seconds = (performance.now() - started) / 1000;
  const { server, client } = await cpuOf(scratch);
  return {
    ...{ seconds, serverCpu: server - before.server, clientCpu: client - before.client },
    tables: await readTableStates(scratch.admin, await listTables(scratch.admin)),
  };
}

/** The server is no child that has ended. */
async function cpuOf({ place }: ScratchServer): Promise<{ server: number; client: number }> {
  const [server, ours] = await Promise.all([readCpu(place.pid ?? 0), readCpu(process.pid)]);
  return { server: server.own, client: ours.own + ours.children };
}

async function replayByApplier(
  { admin }: ScratchServer,
  { log: { files, groups }, threads }: { log: BenchLog; threads: number },
): Promise<void> {
  await admin.query('SET GLOBAL slave_parallel_threads = ?', [threads]);
  const replayed = await replay({
    target: admin,
    identity: { flavor: 'mariadb', serverVersion: '10.11.19-MariaDB-log', serverId: 1, gtidState: '' },
    ranges: await Promise.all(files.map(rangeOf)),
    log: createLogger({ level: 'warn', pretty: true }),
  });
  if (replayed.groups !== groups) throw new Error(`${replayed.groups} groups of ${groups} were applied`);
}

async function rangeOf(path: string): Promise<ServedRange> {
  const { size } = await stat(path);
  const segment = {
    lineage: 'bench',
    file: basename(path),
    state: 'sealed',
    path,
    bytes: size,
    manifest: null,
    keys: null,
  } as const;
  return await servedRange(segment, { file: segment.file, from: FIRST_EVENT_OFFSET, to: size });
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
