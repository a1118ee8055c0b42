import type { BinlogReading } from '../../binlog/binlog-reader.ts';
import type { FormatDescription } from '../../binlog/format-description.ts';
import type { Flavor, GtidState } from '../../binlog/gtid.ts';
import type { Group } from '../../binlog/group.ts';
import { readBinlog } from '../../binlog/read-binlog.ts';
import { IncidentFinder } from '../../incident/finder.ts';
import { FindingVisitor } from '../../incident/finding-visitor.ts';
import { lastGoodAt, type Incident, type LastGood } from '../../incident/incident.ts';
import type { LoopPiece } from '../../incident/loop-borders.ts';
import type { Settlement } from '../../incident/settlement.ts';
import { formatSeconds } from '../../platform/time.ts';
import type { BinlogFile } from '../binlog-files.ts';
import { openBinlog, type BinlogSource } from '../binlog-source.ts';

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

/** What one file tells by itself. Plain data: it may come from another thread. */
export interface FileScan {
  readonly file: BinlogFile;
  readonly scanned: ScannedFile;
  /** The id of the incident whose group the file ends in; left out when there is none. */
  readonly cut?: string;
  /** In log order; of those before its second group `lastGood` is not known, and its time null. */
  readonly incidents: readonly Incident[];
  /** What its groups decide about incidents, of this file or of those before it. */
  readonly settlements: readonly Settlement[];
  /** Loops of deletes that the files beside it may have more of. */
  readonly loops: readonly LoopPiece[];
  /** Its last group; null when it has none. */
  readonly last: LastGood | null;
  /** Read from its first byte to its last without damage; one that ends inside an event or a group may be whole. */
  readonly isWhole: boolean;
  /** Seconds since 1970; null when it does not say. With the name, what tells whether two are copies of one. */
  readonly openedAt: number | null;
}

/** Which file to read, and how. */
export interface ScanJob {
  readonly file: BinlogFile;
  readonly verifyChecksums: boolean;
}

/** Opens and scans a file. @throws LastgoodError `FILE_UNREADABLE` */
export async function scanFile(
  job: ScanJob,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<FileScan> {
  await using source = await openBinlog(job.file);
  return await scanSource(job, source, { onBytes, signal });
}

/**
 * Reads a file from its first byte to its last. Damage is a finding; memory does not grow with the file.
 *
 * @param options.onBytes told after each block how many bytes more were read, of the file as it is stored
 * @throws LastgoodError `FILE_UNREADABLE`
 */
export async function scanSource(
  { file, verifyChecksums }: ScanJob,
  source: BinlogSource,
  { onBytes, signal }: { onBytes: (bytes: number) => void; signal?: AbortSignal | undefined },
): Promise<FileScan> {
  const found = new Map<string, Incident>();
  const settlements: Settlement[] = [];
  const keep = (incident: Incident): unknown => found.set(incident.id, incident); // one that goes on takes its own place
  const settled = (settlement: Settlement): unknown => settlements.push(settlement);
  const visitor = new FileVisitor(file.name, new IncidentFinder({ lineage: null, found: keep, grown: keep, settled }));
  let told = 0;
  const tell = (): boolean => {
    onBytes(source.done - told);
    told = source.done;
    return false;
  };
  const reading = await readBinlog(source, {
    visitor,
    verifyChecksums,
    onFormat: visitor.enter.bind(visitor),
    until: tell,
    ...(signal === undefined ? {} : { signal }),
  });
  tell();
  // What is read of a group whose end is missing says what it may have done.
  if (reading.wholeTo < reading.bytes) visitor.torn(reading.wholeTo, reading.bytes, true);
  const { last } = visitor;
  const cut = [...found.values()].find(({ start }) => start >= reading.wholeTo);
  return {
    file,
    ...(cut === undefined ? {} : { cut: cut.id }),
    scanned: describe(file, reading, { visitor, damage: source.damage }),
    incidents: [...found.values()].sort((a, b) => a.start - b.start), // a loop of deletes is found when it is one, and began before
    settlements,
    loops: visitor.loops,
    last,
    isWhole: isWhole(reading) && source.damage === null,
    openedAt: reading.format?.time ?? null,
  };
}

/** A source that crashed leaves a torn end, and that is all of its file. */
function isWhole({ format, problems }: BinlogReading): boolean {
  return format !== null && problems.every(({ kind }) => kind === 'torn' || kind === 'source-incident');
}

/** Hands everything on, and keeps the first and the last group. */
class FileVisitor extends FindingVisitor {
  readonly #name: string;
  #firstTime: number | null = null;
  #last: Group | null = null;

  constructor(name: string, finder: IncidentFinder) {
    super(finder);
    this.#name = name;
  }

  enter(format: FormatDescription): void {
    this.finder.enterFile(this.#name, format);
  }

  override group(group: Group, before: GtidState | null): void {
    this.#firstTime ??= group.time;
    this.#last = group;
    super.group(group, before);
  }

  get times(): Pick<ScannedFile, 'firstTime' | 'lastTime'> {
    return {
      firstTime: this.#firstTime === null ? null : formatSeconds(this.#firstTime),
      lastTime: this.#last === null ? null : formatSeconds(this.#last.time),
    };
  }

  get loops(): readonly LoopPiece[] {
    return this.finder.loopPieces;
  }

  get last(): LastGood | null {
    return this.#last === null ? null : lastGoodAt(this.#last, this.#name);
  }
}

function describe(
  file: BinlogFile,
  reading: BinlogReading,
  { visitor, damage }: { visitor: FileVisitor; damage: string | null },
): ScannedFile {
  const { format, events, groups, bytes, gtidStart, gtidEnd, end, problems } = reading;
  const damaged = damage === null ? [] : [{ offset: bytes, problem: damage }];
  return {
    path: file.path,
    server: format?.serverVersion ?? null,
    flavor: format?.flavor ?? null,
    checksum: format?.checksum ?? null,
    events,
    groups,
    bytes,
    ...visitor.times,
    gtidStart: gtidStart?.toString() ?? null,
    gtidEnd: gtidEnd?.toString() ?? null,
    end,
    problems: [...problems.map(({ offset, problem }) => ({ offset, problem })), ...damaged],
  };
}
