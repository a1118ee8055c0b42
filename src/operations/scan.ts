import type { Readable } from 'node:stream';
import type { Incident } from '../incident/incident.ts';
import { threadFile } from '../platform/thread-file.ts';
import { startJobs, type JobRunner } from '../platform/thread-jobs.ts';
import { findBinlogFiles, STDIN, type BinlogFile, type BinlogSeries } from './binlog-files.ts';
import { openStdin } from './binlog-source.ts';
import { isSmallMass, MASS_DEFAULTS } from './mass-threshold.ts';
import { joinSeries } from './scan/join-series.ts';
import { scanFile, scanSource, type FileScan, type ScanJob, type ScannedFile } from './scan/scan-file.ts';

/** The contract's `scan` JSON. Both lists are in log order. */
export interface ScanResult {
  readonly files: readonly ScannedFile[];
  readonly incidents: readonly Incident[];
}

export interface ScanOptions {
  /** Files, folders whose binary logs are meant, and `-` for `stdin`. */
  readonly paths: readonly string[];
  readonly stdin?: Readable;
  readonly verifyChecksums: boolean;
  /** From so many rows on, deleted and updated in one group or loop, a mass of them is an incident. */
  readonly massRows?: number;
  /** Files read at once; 1 when not given. */
  readonly jobs?: number;
  /** Called after each block, in bytes of the files as stored. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** Below this another thread would be ready when the work is done. */
const WORTH_A_THREAD_BYTES = 64 * 1024 * 1024;

/**
 * Finds incidents in binary log files on disk: no server, no archive. Damaged and foreign files are reported with
 * what could be read of them. Memory does not grow with the files.
 *
 * @throws LastgoodError `FILE_UNREADABLE` for a path that cannot be opened or read
 */
export async function scan(options: ScanOptions): Promise<ScanResult> {
  const paths = options.paths.filter((path) => path !== STDIN);
  const threshold = { ...MASS_DEFAULTS, ...(options.massRows === undefined ? {} : { massRows: options.massRows }) };
  const series = await findBinlogFiles(paths);
  const total = series.flat().reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    options.onProgress?.(done, Math.max(done, total));
  };
  const isSmall = total < WORTH_A_THREAD_BYTES;
  const jobs = isSmall ? 1 : Math.min(options.jobs ?? 1, series.flat().length);
  await using runner = startJobs({
    jobs,
    run: scanFile,
    thread: threadFile('operations/scan/scan-thread'),
    onBytes,
    signal: options.signal,
  });
  const scans = await scanSeries(series, runner, options);
  if (paths.length < options.paths.length) scans.push([await scanStdin(options, onBytes)]);
  return {
    files: scans.flat().map(({ scanned }) => scanned),
    incidents: scans.flatMap(joinSeries).filter((incident) => !isSmallMass(incident, threshold)),
  };
}

async function scanSeries(
  series: readonly BinlogSeries[],
  runner: JobRunner<ScanJob, FileScan>,
  { verifyChecksums }: ScanOptions,
): Promise<FileScan[][]> {
  const scanAll = async (files: BinlogSeries): Promise<FileScan[]> =>
    await Promise.all(files.map((file) => runner.run({ file, verifyChecksums })));
  return await Promise.all(series.map(scanAll));
}

async function scanStdin(options: ScanOptions, onBytes: (bytes: number) => void): Promise<FileScan> {
  const { stdin, verifyChecksums, signal } = options;
  if (stdin === undefined) throw new Error('there is no standard input to scan');
  const file: BinlogFile = { path: STDIN, name: STDIN, bytes: 0, compression: null };
  await using source = await openStdin(stdin, signal);
  return await scanSource({ file, verifyChecksums }, source, { onBytes, signal });
}
