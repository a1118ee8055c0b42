import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { openSegment } from '../src/archive/read-segment.ts';
import { openRepository } from '../src/archive/repository.ts';
import type { ByteSource } from '../src/binlog/read-binlog.ts';
import { findProgram } from '../src/platform/child-process.ts';
import type { LocalServer } from '../src/server/local-server.ts';
import {
  benchMegabytes,
  ensureLargeTransactionLog,
  ensureSmallTransactionLog,
  removeLaterFiles,
  startBenchServer,
  type BenchLog,
} from './data.ts';
import { measure, median, type Measurement } from './measure.ts';

const ROUNDS = 3;
const SPEED_GOAL = 2;
const CPU_GOAL = 1;
const MEMORY_GOAL_BYTES = 150e6;
const LARGE_TRANSACTION_MEGABYTES = 2048;
const ROOT = join(import.meta.dirname, '..');

/**
 * Streams the same log from the same server to disk with the peer and with ours, in turns, each run a new process
 * into a new folder. Ours checks every CRC, syncs, fills the catalog and stores finished files compressed, as it does when nothing
 * else is set; each copy must equal the server's files. Then ours takes one transaction of 2 GB.
 */
export async function run(): Promise<void> {
  const log = await ensureSmallTransactionLog(benchMegabytes());
  print(`archive: ${log.files.length} files, ${(log.bytes / 1e6).toFixed(0)} MB, ${log.groups} groups`);
  const { peer, ours, plain } = await inTurns(log, ROUNDS);
  report('mariadb-binlog --raw', peer, log);
  report('lastgood archive', ours, log);
  report('the same, compression none', plain, log);
  print(`  ${(medianOf(peer, 'seconds') / medianOf(plain, 'seconds')).toFixed(2)} times as fast without compression`);
  const speed = medianOf(peer, 'seconds') / medianOf(ours, 'seconds');
  const cpu = medianOf(ours, 'cpuSeconds') / medianOf(peer, 'cpuSeconds');
  print(`  ${speed.toFixed(2)} times as fast, goal ${SPEED_GOAL}: ${verdict(speed >= SPEED_GOAL)}`);
  print(`  ${cpu.toFixed(2)} times its CPU time, goal at most ${CPU_GOAL}: ${verdict(cpu <= CPU_GOAL)}`);

  const large = await ensureLargeTransactionLog(LARGE_TRANSACTION_MEGABYTES);
  print(`one transaction: ${(large.bytes / 1e6).toFixed(0)} MB`);
  const { ours: once } = await inTurns(large, 1, ['ours']);
  report('lastgood archive', once, large);
  const peak = peakOf([...ours, ...once]);
  print(
    `  memory ${megabytes(peak)}, goal below ${megabytes(MEMORY_GOAL_BYTES)}: ${verdict(peak < MEMORY_GOAL_BYTES)}`,
  );
}

/** plain: ours, with `compression = "none"`, as the peer stores its copy. */
type Contestant = 'peer' | 'ours' | 'plain';

async function inTurns(
  log: BenchLog,
  rounds: number,
  contestants: readonly Contestant[] = ['peer', 'ours', 'plain'],
): Promise<Record<Contestant, Measurement[]>> {
  await removeLaterFiles(log);
  await using server = await startBenchServer(log.datadir);
  const runs: Record<Contestant, Measurement[]> = { peer: [], ours: [], plain: [] };
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const name of contestants) {
      const folder = await mkdtemp(join(tmpdir(), 'lastgood-bench-'));
      try {
        const round = { server, log, folder };
        runs[name].push(await (name === 'peer' ? runPeer(round) : runOurs(round, name === 'plain' ? 'none' : 'zstd')));
      } finally {
        await rm(folder, { recursive: true });
      }
    }
  }
  await server.stop(); // one that is killed again and again no longer starts one day
  return runs;
}

interface Round {
  readonly server: LocalServer;
  readonly log: BenchLog;
  readonly folder: string;
}

async function runPeer({ server, log, folder }: Round): Promise<Measurement> {
  const first = basename(log.files[0] ?? '');
  const options = [
    '--no-defaults',
    '--raw',
    '--read-from-remote-server',
    '--to-last-log',
    `--socket=${server.socket}`,
    '--user=root',
  ];
  const measurement = await measure(findProgram(['mariadb-binlog']), [...options, `--result-file=${folder}/`, first], {
    keepOutput: false,
    anyCore: true,
  });
  for (const file of log.files) await compare(file, await openFile(join(folder, basename(file))));
  return measurement;
}

async function runOurs({ server, log, folder }: Round, compression: 'none' | 'zstd'): Promise<Measurement> {
  const config = join(folder, 'lastgood.toml');
  const path = join(folder, 'repository');
  await mkdir(path, { recursive: true });
  await writeFile(
    config,
    [
      `[repository]\nurl = ${JSON.stringify(path)}`,
      `[primary]\nname = "bench"\nsocket = ${JSON.stringify(server.socket)}\nuser = "root"\npassword_env = "LASTGOOD_BENCH_PASSWORD"\nserver_id = 4210001`,
      `[archive]\ncompression = "${compression}"`,
    ].join('\n'),
  );
  process.env['LASTGOOD_BENCH_PASSWORD'] = '';
  const args = ['archive', '--until-current', '--json', '--quiet', '--config', config];
  const measurement = await measure(join(ROOT, 'bin/lastgood'), args, { keepOutput: true, anyCore: true });
  const { lineage } = JSON.parse(measurement.stdout) as { lineage: string };
  const segments = await (await openRepository(path)).segments(lineage);
  for (const file of log.files) {
    const segment = segments.find((archived) => archived.file === basename(file));
    if (segment === undefined) throw new Error(`${basename(file)} is not archived`);
    await compare(file, await openSegment(segment));
  }
  return measurement;
}

const BLOCK_BYTES = 8 * 1024 * 1024;
/** Of the flag that a server sets in a file that it has open. */
const IN_USE_OFFSET = 21;

/** A benchmark of something wrong says nothing. */
async function compare(path: string, copy: ByteSource & AsyncDisposable): Promise<void> {
  await using theirs = await openFile(path);
  await using ours = copy;
  for (let at = 0; ; at += BLOCK_BYTES) {
    const [expected, found] = await Promise.all([block(theirs), block(ours)]);
    if (at === 0) for (const bytes of [expected, found]) bytes[IN_USE_OFFSET] = (bytes[IN_USE_OFFSET] ?? 0) & ~1;
    if (!expected.equals(found)) throw new Error(`${basename(path)} is not byte-identical to the server's`);
    if (expected.length < BLOCK_BYTES) return;
  }
}

async function openFile(path: string): Promise<ByteSource & AsyncDisposable> {
  const handle = await open(path, 'r');
  return {
    read: async (target, at) => (await handle.read(target, at)).bytesRead,
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function block(source: ByteSource): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(BLOCK_BYTES);
  let filled = 0;
  while (filled < bytes.length) {
    const got = await source.read(bytes, filled);
    if (got === 0) break;
    filled += got;
  }
  return bytes.subarray(0, filled);
}

function report(name: string, measurements: readonly Measurement[], log: BenchLog): void {
  const seconds = medianOf(measurements, 'seconds');
  const columns = [
    `${seconds.toFixed(2)} s`.padStart(10),
    `${(log.bytes / 1e6 / seconds).toFixed(0)} MB/s`.padStart(10),
    `${medianOf(measurements, 'cpuSeconds').toFixed(2)} s CPU`.padStart(12),
    `${megabytes(peakOf(measurements))} memory`.padStart(15),
  ];
  print(`  ${name.padEnd(24)}${columns.join('')}`);
}

function medianOf(measurements: readonly Measurement[], what: 'seconds' | 'cpuSeconds'): number {
  return median(measurements.map((measurement) => measurement[what]));
}

function peakOf(measurements: readonly Measurement[]): number {
  return Math.max(...measurements.map(({ peakBytes }) => peakBytes));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function verdict(reached: boolean): string {
  return reached ? 'reached' : 'missed';
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
