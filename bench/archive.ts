import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findProgram } from '../src/platform/child-process.ts';
import type { LocalServer } from '../src/server/local-server.ts';
import {
  benchMegabytes,
  ensureSmallTransactionLog,
  startSmallTransactionServer,
  type SmallTransactionLog,
} from './data.ts';
import { measure, median, type Measurement } from './measure.ts';

const ROUNDS = 3;
const GOAL = 1.6;
const ROOT = join(import.meta.dirname, '..');

/**
 * Streams the same log from the same server to disk with the peer and with ours, in turns, each run a new process
 * into a new folder. Ours checks every CRC, syncs and fills the catalog; each copy must equal the server's files.
 */
export async function run(): Promise<void> {
  const log = await ensureSmallTransactionLog(benchMegabytes());
  print(`archive: ${log.files.length} files, ${(log.bytes / 1e6).toFixed(0)} MB, ${log.groups} groups`);
  await using server = await startSmallTransactionServer(log.datadir);
  const runs: Record<'peer' | 'ours', Measurement[]> = { peer: [], ours: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of ['peer', 'ours'] as const) {
      const folder = await mkdtemp(join(tmpdir(), 'lastgood-bench-'));
      try {
        runs[name].push(await (name === 'peer' ? runPeer : runOurs)({ server, log, folder }));
      } finally {
        await rm(folder, { recursive: true });
      }
    }
  }
  report('mariadb-binlog --raw', runs.peer, log);
  report('lastgood archive', runs.ours, log);
  const ratio = secondsOf(runs.peer) / secondsOf(runs.ours);
  print(`  ratio ${ratio.toFixed(2)}, goal ${GOAL}: ${ratio >= GOAL ? 'reached' : 'missed'}`);
}

interface Round {
  readonly server: LocalServer;
  readonly log: SmallTransactionLog;
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
  await compare(log, folder);
  return measurement;
}

async function runOurs({ server, log, folder }: Round): Promise<Measurement> {
  const config = join(folder, 'lastgood.toml');
  const repository = join(folder, 'repository');
  await mkdir(repository, { recursive: true });
  await writeFile(
    config,
    [
      `[repository]\nurl = ${JSON.stringify(repository)}`,
      `[primary]\nname = "bench"\nsocket = ${JSON.stringify(server.socket)}\nuser = "root"\npassword_env = "LASTGOOD_BENCH_PASSWORD"\nserver_id = 4210001`,
    ].join('\n'),
  );
  process.env['LASTGOOD_BENCH_PASSWORD'] = '';
  const args = [join(ROOT, 'bin/lastgood'), 'archive', '--until-current', '--json', '--quiet', '--config', config];
  const measurement = await measure(process.execPath, args, { keepOutput: true, anyCore: true });
  const { lineage } = JSON.parse(measurement.stdout) as { lineage: string };
  await compare(log, join(repository, 'lineages', lineage));
  return measurement;
}

/** A benchmark of something wrong says nothing. */
async function compare(log: SmallTransactionLog, folder: string): Promise<void> {
  for (const file of log.files) {
    const [theirs, ours] = await Promise.all([readFile(file), readFile(join(folder, basename(file)))]);
    theirs[21] = (theirs[21] ?? 0) & ~1;
    ours[21] = (ours[21] ?? 0) & ~1;
    if (!theirs.equals(ours)) throw new Error(`${basename(file)} is not byte-identical to the server's`);
  }
}

function report(name: string, measurements: readonly Measurement[], log: SmallTransactionLog): void {
  const seconds = secondsOf(measurements);
  const peak = Math.max(...measurements.map(({ peakBytes }) => peakBytes));
  print(
    `  ${name.padEnd(24)}${seconds.toFixed(2).padStart(7)} s${(log.bytes / 1e6 / seconds).toFixed(0).padStart(6)} MB/s${(peak / 1e6).toFixed(0).padStart(6)} MB memory`,
  );
}

function secondsOf(measurements: readonly Measurement[]): number {
  return median(measurements.map(({ seconds }) => seconds));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
