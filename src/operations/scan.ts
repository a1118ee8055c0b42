import type { FormatDescription } from '../binlog/format-description.ts';
import type { Flavor, GtidState } from '../binlog/gtid.ts';
import type { Group, GroupVisitor, QueryEvent } from '../binlog/group.ts';
import type { BinlogReading } from '../binlog/binlog-reader.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import { IncidentFinder } from '../incident/finder.ts';
import type { Incident } from '../incident/incident.ts';
import { formatSeconds } from '../platform/time.ts';
import { findBinlogFiles, isNextFile, type BinlogFile } from './binlog-files.ts';
import { openBinlog } from './binlog-source.ts';

/** One file of the `scan` JSON. What could not be read of it is null, and `problems` says why. */
export interface ScannedFile {
  readonly path: string;
  /** The server's version. */
  readonly server: string | null;
  readonly flavor: Flavor | null;
  readonly checksum: 'crc32' | 'none' | null;
  readonly events: number;
  readonly groups: number;
  readonly bytes: number;
  /** Of the first and last group, RFC 3339 in UTC. */
  readonly firstTime: string | null;
  readonly lastTime: string | null;
  readonly gtidStart: string | null;
  readonly gtidEnd: string | null;
  readonly end: BinlogReading['end'];
  readonly problems: readonly { readonly offset: number; readonly problem: string }[];
}

/** The contract's `scan` JSON. Both lists are in log order. */
export interface ScanResult {
  readonly files: readonly ScannedFile[];
  readonly incidents: readonly Incident[];
}

export interface ScanOptions {
  /** Files, and folders whose binary logs are meant. */
  readonly paths: readonly string[];
  readonly verifyChecksums: boolean;
  /** Called after each block, in bytes of the files as stored. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Finds incidents in binary log files on disk: no server, no archive. Damaged and foreign files are reported with
 * what could be read of them. Memory does not grow with the files.
 *
 * @throws LastgoodError `FILE_UNREADABLE` for a path that cannot be opened or read
 */
export async function scan(options: ScanOptions): Promise<ScanResult> {
  const series = await findBinlogFiles(options.paths);
  const total = series.flat().reduce((sum, file) => sum + file.bytes, 0);
  const result: Findings = { files: [], incidents: [], done: 0 };
  for (const members of series) {
    let previous: Scanned | null = null;
    for (const file of members) {
      const finder: IncidentFinder =
        previous !== null && continues(previous, file) ? previous.finder : newFinder(result);
      const reading = await scanFile({ file, finder, total, result, options });
      previous = { file, reading, finder };
    }
  }
  return { files: result.files, incidents: result.incidents };
}

interface Findings {
  readonly files: ScannedFile[];
  readonly incidents: Incident[];
  /** Bytes of finished files. */
  done: number;
}

interface Scanned {
  readonly file: BinlogFile;
  readonly reading: BinlogReading;
  readonly finder: IncidentFinder;
}

function newFinder({ incidents }: Findings): IncidentFinder {
  return new IncidentFinder({ lineage: null, found: (incident) => incidents.push(incident) });
}

/**
 * True when nothing can be missing between the two: the last group of the one is then the last good one before the
 * first of the other. A file that ends without ROTATE or STOP may be half a copy.
 */
function continues({ file, reading }: Scanned, next: BinlogFile): boolean {
  return isNextFile(file, next) && (reading.end === 'rotate' || reading.end === 'stop');
}

async function scanFile(o: {
  file: BinlogFile;
  finder: IncidentFinder;
  total: number;
  result: Findings;
  options: ScanOptions;
}): Promise<BinlogReading> {
  const { file, finder, result } = o;
  const { verifyChecksums, onProgress, signal } = o.options;
  const visitor = new FileVisitor(finder);
  await using source = await openBinlog(file);
  const reading = await readBinlog(source, {
    visitor,
    verifyChecksums,
    onFormat: (format: FormatDescription) => {
      finder.enterFile(file.name, format);
    },
    until: () => {
      onProgress?.(result.done + source.done, o.total);
      return false;
    },
    ...(signal === undefined ? {} : { signal }),
  });
  result.files.push(describe({ file, reading, visitor, damage: source.damage }));
  result.done += file.bytes;
  onProgress?.(result.done, o.total);
  return reading;
}

/** Hands everything on, and keeps the times of the first and the last group. */
class FileVisitor implements GroupVisitor {
  #first: number | null = null;
  #last: number | null = null;
  readonly #finder: IncidentFinder;

  constructor(finder: IncidentFinder) {
    this.#finder = finder;
  }

  query(query: QueryEvent): void {
    this.#finder.query(query);
  }

  group(group: Group, before: GtidState | null): void {
    this.#first ??= group.time;
    this.#last = group.time;
    this.#finder.group(group, before);
  }

  torn(start: number, end: number): void {
    this.#finder.torn(start, end);
  }

  /** Of the first and the last group, null when there is none. */
  get times(): Pick<ScannedFile, 'firstTime' | 'lastTime'> {
    const [firstTime, lastTime] = [this.#first, this.#last].map((time) => (time === null ? null : formatSeconds(time)));
    return { firstTime: firstTime ?? null, lastTime: lastTime ?? null };
  }
}

function describe(o: {
  file: BinlogFile;
  reading: BinlogReading;
  visitor: FileVisitor;
  damage: string | null;
}): ScannedFile {
  const { format, events, groups, bytes, gtidStart, gtidEnd, end, problems } = o.reading;
  const damage = o.damage === null ? [] : [{ offset: bytes, problem: o.damage }];
  return {
    path: o.file.path,
    server: format?.serverVersion ?? null,
    flavor: format?.flavor ?? null,
    checksum: format?.checksum ?? null,
    events,
    groups,
    bytes,
    ...o.visitor.times,
    gtidStart: gtidStart?.toString() ?? null,
    gtidEnd: gtidEnd?.toString() ?? null,
    end,
    problems: [...problems.map(({ offset, problem }) => ({ offset, problem })), ...damage],
  };
}
