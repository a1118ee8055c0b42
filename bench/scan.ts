import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram } from '../src/platform/child-process.ts';
import { benchMegabytes, ensureSmallTransactionLog, type BenchLog } from './data.ts';
import { measure, median, type Measurement } from './measure.ts';

const ROUNDS = 3;
const ROOT = join(import.meta.dirname, '..');
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
      await measure(findProgram(['mariadb-binlog']), files, { keepOutput: false, anyCore: true }),
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
  const log = await ensureSmallTransactionLog(benchMegabytes());
  print(`scan: ${log.files.length} files, ${(log.bytes / 1e6).toFixed(0)} MB, ${log.groups} groups`);
  for (const file of log.files) await readFile(file); // into the page cache: what is measured is not the disk
  const runs = new Map<Contestant, Measurement[]>();
  for (let round = 0; round < ROUNDS; round += 1) {
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
