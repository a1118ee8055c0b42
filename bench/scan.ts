import { existsSync } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { findProgram } from '../src/platform/child-process.ts';
import { benchMegabytes, ensureSmallTransactionLog, type BenchLog } from './data.ts';
import { measure, median, type Measurement } from './measure.ts';

/** How many times the log is given, each time in a folder of its own, and how many rounds are run so: the larger one is a busy day's log. */
const SIZES = [
  { times: 1, rounds: 3 },
  { times: 4, rounds: 2 },
] as const;
const ROOT = join(import.meta.dirname, '..');
/** Else it takes a log only once. */
const IN_ANY_ORDER = '--skip-gtid-strict-mode';
const UNCHECKED = '--no-verify-checksums';

/** What is compared, and at least how many times as fast as the first it has to be. */
interface Contestant {
  readonly name: string;
  readonly goal: number | null;
  run(log: BenchLog): Promise<Measurement>;
}

const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'mariadb-binlog FILES >/dev/null',
    goal: null,
    run: async ({ files }) =>
      await measure(findProgram(['mariadb-binlog']), [IN_ANY_ORDER, ...files], { keepOutput: false, anyCore: true }),
  },
  { name: 'lastgood scan', goal: 20, run: async (log) => await runScan(log, []) },
  { name: '  with --jobs 1', goal: null, run: async (log) => await runScan(log, ['--jobs', '1']) },
  { name: 'lastgood scan --no-verify-checksums', goal: 50, run: async (log) => await runScan(log, [UNCHECKED]) },
  { name: '  with --jobs 1', goal: null, run: async (log) => await runScan(log, [UNCHECKED, '--jobs', '1']) },
];

/**
 * Reads a log of small transactions with the peer and with ours, on all cores, in turns, each run a new process.
 * Every run of ours must have seen every group.
 */
export async function run(): Promise<void> {
  if (!existsSync(join(ROOT, 'dist/cli/main.js'))) throw new Error('there is no dist/: run `npm run build` first');
  const once = await ensureSmallTransactionLog(benchMegabytes());
  for (const file of once.files) await readFile(file); // into the page cache: what is measured is not the disk
  for (const { times, rounds } of SIZES) {
    const folder = await mkdtemp(join(dirname(once.datadir), 'copies-')); // a hard link crosses no file system
    try {
      const log = await repeated(once, times, folder);
      const how = times === 1 ? '' : ` (the same log ${times} times)`;
      print(`scan: ${log.files.length} files, ${(log.bytes / 1e6).toFixed(0)} MB, ${log.groups} groups${how}`);
      await compare(log, rounds);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

/** Hard links in so many folders. */
async function repeated(log: BenchLog, times: number, folder: string): Promise<BenchLog> {
  const files: string[] = [];
  for (let copy = 1; copy <= times; copy += 1) {
    await mkdir(join(folder, String(copy)));
    for (const file of log.files) {
      const path = join(folder, String(copy), basename(file));
      await link(file, path);
      files.push(path);
    }
  }
  return { ...log, files, bytes: times * log.bytes, groups: times * log.groups };
}

async function compare(log: BenchLog, rounds: number): Promise<void> {
  const runs = new Map<Contestant, Measurement[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const contestant of CONTESTANTS) {
      runs.set(contestant, [...(runs.get(contestant) ?? []), await contestant.run(log)]);
    }
  }
  const [peer] = CONTESTANTS;
  const peerSeconds = secondsOf((peer && runs.get(peer)) ?? []);
  for (const [contestant, measurements] of runs) {
    print(line({ contestant, measurements, ratio: peerSeconds / secondsOf(measurements), bytes: log.bytes }));
  }
}

function secondsOf(measurements: readonly Measurement[]): number {
  return median(measurements.map(({ seconds }) => seconds));
}

async function runScan(log: BenchLog, args: readonly string[]): Promise<Measurement> {
  const program = [join(ROOT, 'bin/lastgood'), 'scan', '--json', ...args, ...log.files];
  const measurement = await measure(process.execPath, program, { keepOutput: true, anyCore: true });
  const { files } = JSON.parse(measurement.stdout) as { files: { groups: number }[] };
  const groups = files.reduce((sum, file) => sum + file.groups, 0);
  if (groups !== log.groups) throw new Error(`scan saw ${groups} groups of ${log.groups}`);
  return measurement;
}

function line(o: {
  contestant: Contestant;
  measurements: readonly Measurement[];
  ratio: number;
  bytes: number;
}): string {
  const { name, goal } = o.contestant;
  const seconds = secondsOf(o.measurements);
  const peak = Math.max(...o.measurements.map(({ peakBytes }) => peakBytes));
  return [
    `  ${name.padEnd(38)}`,
    `${seconds.toFixed(2)} s`.padStart(9),
    `${(o.bytes / 1e6 / seconds).toFixed(0)} MB/s`.padStart(11),
    `${(peak / 1e6).toFixed(0)} MB`.padStart(8),
    `${o.ratio.toFixed(1)}x`.padStart(8),
    goal === null ? '' : `  goal ${goal}x: ${o.ratio >= goal ? 'reached' : 'missed'}`,
  ].join('');
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
