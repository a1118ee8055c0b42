import { stat } from 'node:fs/promises';
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
import { median } from './measure.ts';

const MEGABYTES = Number(process.env['LASTGOOD_BENCH_MB'] ?? 256);
const ROUNDS = Number(process.env['LASTGOOD_BENCH_ROUNDS'] ?? 3);
const GOAL = 5;
const GOAL_BYTES = 200e6;
/** `slave_parallel_threads` of our runs: 0 is one thread that receives and one that applies. */
const PARALLEL_THREADS = [0, 2, 4];

interface Contestant {
  readonly name: string;
  readonly work: (scratch: ScratchServer) => Promise<void>;
  readonly seconds: number[];
}

/**
 * Replays the same log of small transactions into fresh servers with the same settings, in turns: by the peer, a pipe
 * of the servers' own tools, and by ours, with one applier thread and with more. All must end with equal tables.
 */
export async function run(): Promise<void> {
  const log = await ensureSmallTransactionLog(MEGABYTES);
  print(
    `replay: ${log.files.length} files, ${(log.bytes / 1e6).toFixed(0)} MB, ${log.groups} groups, ${ROUNDS} rounds`,
  );
  const peer: Contestant = {
    name: 'mariadb-binlog FILES | mariadb',
    work: ({ login }) => pipeLog(login, log.files),
    seconds: [],
  };
  const ours = PARALLEL_THREADS.map((threads): Contestant => {
    const name = `lastgood replay, ${threads === 0 ? 'one applier' : `${threads} parallel`}`;
    return { name, work: (scratch) => replayByApplier(scratch, { log, threads }), seconds: [] };
  });
  let expected: string | null = null;
  for (let round = 1; round <= ROUNDS; round += 1)
    for (const contestant of [peer, ...ours]) {
      const { seconds, tables } = await measureIn(contestant.work);
      contestant.seconds.push(seconds);
      expected ??= JSON.stringify(tables);
      if (JSON.stringify(tables) !== expected) throw new Error(`${contestant.name}: other tables than the peer's`);
    }
  report(log, peer, ours);
}

function report({ bytes }: BenchLog, peer: Contestant, ours: readonly Contestant[]): void {
  const peerSeconds = median(peer.seconds);
  for (const { name, seconds } of [peer, ...ours]) {
    const speed = `${(bytes / 1e6 / median(seconds)).toFixed(1).padStart(6)} MB/s`;
    const all = seconds.map((value) => value.toFixed(1)).join(' ');
    print(`  ${name.padEnd(32)} ${median(seconds).toFixed(1).padStart(6)} s ${speed}  (${all})`);
  }
  for (const { name, seconds } of ours) {
    const ratio = peerSeconds / median(seconds);
    print(`  ${name}: ratio ${ratio.toFixed(2)}, goal ${GOAL}: ${ratio >= GOAL ? 'reached' : 'missed'}`);
  }
  const peak = process.resourceUsage().maxRSS * 1024; // kilobytes
  const verdict = peak < GOAL_BYTES ? 'reached' : 'missed';
  print(`  equal tables; our memory ${(peak / 1e6).toFixed(0)} MB, goal ${GOAL_BYTES / 1e6}: ${verdict}`);
}

interface Outcome {
  readonly seconds: number;
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
      onError: 'empty',
      log: createLogger({ level: 'silent', pretty: false }),
    },
    () => Promise.resolve(),
  );
  const started = performance.now();
  await work(scratch);
  const seconds = (performance.now() - started) / 1000;
  return { seconds, tables: await readTableStates(scratch.admin, await listTables(scratch.admin)) };
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
