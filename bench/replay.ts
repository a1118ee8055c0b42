import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { FIRST_EVENT_OFFSET } from '../src/binlog/coordinates.ts';
import { findProgram, runTool } from '../src/platform/child-process.ts';
import { createLogger } from '../src/platform/logger.ts';
import { makeTempDirectory } from '../src/platform/temp-dir.ts';
import { servedRange } from '../src/recovery/plan-ranges.ts';
import { replay } from '../src/recovery/replay.ts';
import { createScratchServer, type ScratchServer } from '../src/recovery/scratch-server.ts';
import { sourceZone } from '../src/recovery/source-zone.ts';
import { listTables, readTableStates, type TableState } from '../src/recovery/table-state.ts';
import { writeOptionFile } from '../src/server/option-file.ts';
import type { ServedRange } from '../src/server/served-range.ts';
import { ensureSmallTransactionLog, type BenchLog } from './data.ts';

const MEGABYTES = Number(process.env['LASTGOOD_BENCH_MB'] ?? 256);
const GOAL = 4;

/**
 * Replays the same log of small transactions into two fresh servers with the same settings: by the peer, a pipe of the
 * servers' own tools, and by ours, with one applier thread. Both must end with equal tables.
 */
export async function run(): Promise<void> {
  const log = await ensureSmallTransactionLog(MEGABYTES);
  print(`replay: ${log.files.length} files, ${(log.bytes / 1e6).toFixed(0)} MB, ${log.groups} groups`);
  const peer = await measureIn((scratch) => replayByPipe(scratch, log));
  report('mariadb-binlog FILES | mariadb', peer.seconds, log);
  const ours = await measureIn((scratch) => replayByApplier(scratch, log));
  report('lastgood replay', ours.seconds, log);
  if (JSON.stringify(peer.tables) !== JSON.stringify(ours.tables))
    throw new Error('the two servers have different tables');
  const ratio = peer.seconds / ours.seconds;
  print(`  equal tables: ${peer.tables.length}; our memory: ${(ours.peakBytes / 1e6).toFixed(0)} MB`);
  print(`  ratio ${ratio.toFixed(2)}, goal ${GOAL}: ${ratio >= GOAL ? 'reached' : 'missed'}`);
}

interface Outcome {
  readonly seconds: number;
  /** Of this process. */
  readonly peakBytes: number;
  readonly tables: readonly TableState[];
}

async function measureIn(work: (scratch: ScratchServer) => Promise<void>): Promise<Outcome> {
  await using folder = await makeTempDirectory('lastgood-bench-');
  await using scratch = await createScratchServer({
    datadir: join(folder.path, 'data'),
    port: 0,
    settings: {},
    zone: sourceZone({}, []),
    log: createLogger({ level: 'silent', pretty: false }),
  });
  const started = performance.now();
  await work(scratch);
  const seconds = (performance.now() - started) / 1000;
  const { maxRSS } = process.resourceUsage(); // kilobytes
  return {
    seconds,
    peakBytes: maxRSS * 1024,
    tables: await readTableStates(scratch.admin, await listTables(scratch.admin)),
  };
}

async function replayByPipe({ login }: ScratchServer, { files }: BenchLog): Promise<void> {
  await using optionFile = await writeOptionFile(login);
  const reader = spawn(findProgram(['mariadb-binlog']), files, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(reader, 'exit');
  await runTool({
    program: findProgram(['mariadb']),
    args: [`--defaults-file=${optionFile.path}`, '--binary-mode', '--max-allowed-packet=1G'],
    input: reader.stdout,
  });
  const [status] = (await ended) as [number];
  if (status !== 0) throw new Error(`mariadb-binlog ended with status ${status}`);
}

async function replayByApplier({ admin }: ScratchServer, { files, groups }: BenchLog): Promise<void> {
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

function report(name: string, seconds: number, { bytes }: BenchLog): void {
  print(
    `  ${name.padEnd(32)} ${seconds.toFixed(1).padStart(6)} s ${(bytes / 1e6 / seconds).toFixed(0).padStart(5)} MB/s`,
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
