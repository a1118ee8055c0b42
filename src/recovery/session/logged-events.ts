import { CHECKSUM_BYTES } from '../../binlog/checksum.ts';
import { NO_TYPES } from '../../binlog/event-role.ts';
import { EVENT } from '../../binlog/event-type.ts';
import { EventWalker, MAX_WHOLE_EVENT_BYTES } from '../../binlog/event-walker.ts';
import type { BinlogProblem, EventSink, EventView } from '../../binlog/event-view.ts';
import { parseFormatDescription, type FormatDescription } from '../../binlog/format-description.ts';
import { GroupReader } from '../../binlog/group-reader.ts';
import type { Gtid } from '../../binlog/gtid.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { throwIfAborted } from '../../platform/wait.ts';
import type { ServedRange } from '../../server/served-range.ts';

/** A group that was read to its end. */
export interface EndedGroup {
  readonly gtid: Gtid | null;
  readonly start: number;
  readonly end: number;
}

/** One whole event, with bytes of its own that stay. */
export interface LoggedEvent extends EventView {
  /** Index in `buffer` just after the body, checksum excluded. */
  readonly bodyEnd: number;
  /** True for the first event of a group. */
  readonly opens: boolean;
  /** Set in the last event of a group. */
  readonly closes: EndedGroup | null;
  /** True when the group goes on behind it. */
  readonly isInside: boolean;
  /** True when a group before it never ended: what it did is undone. */
  readonly afterTorn: boolean;
}

/** They say what rows are of, and change nothing. */
const NOTES: ReadonlySet<number> = new Set([EVENT.ANNOTATE_ROWS, EVENT.ROWS_QUERY]);

/** Room for the head of a large event, and as much again. */
const BLOCK_BYTES = 2 * MAX_WHOLE_EVENT_BYTES;

/**
 * Reads a range block by block: the whole events of each, their checksums tested before they are handed over. Only what the consumer
 * keeps stays in memory, and one event, however large.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function* readLoggedEvents(range: ServedRange, signal?: AbortSignal): AsyncGenerator<LoggedEvent[]> {
  const collector = new EventCollector(formatOf(range), range.from);
  await using source = await range.open(range.from);
  let block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let kept = 0;
  for (let offset = range.from; offset < range.to;) {
    throwIfAborted(signal);
    const got = Math.min(await source.read(block, kept), range.to - offset);
    if (got === 0) break;
    offset += got;
    const consumed = collector.walk(block, kept + got);
    throwIfDamaged(range, collector.problems);
    const left = block.subarray(consumed, kept + got);
    block = Buffer.allocUnsafeSlow(BLOCK_BYTES); // the events still look into the old one
    kept = left.copy(block);
    yield collector.take();
  }
  if (kept > 0 || collector.insideEvent) throw damaged(range, collector.offset, 'an event is cut in two');
  if (collector.offset < range.to && range.to !== Infinity)
    throw damaged(range, collector.offset, 'the archive has no more bytes');
}

/** How the range's events are written. @throws LastgoodError `ARCHIVE_DAMAGED` */
export function formatOf(range: ServedRange): FormatDescription {
  const format = parseFormatDescription(range.formatEvent);
  if (format === null) throw damaged(range, 0, 'its FORMAT_DESCRIPTION event cannot be read');
  return format;
}

class EventCollector implements EventSink {
  readonly quiet = NO_TYPES;
  readonly problems: BinlogProblem[] = [];
  readonly #walker: EventWalker;
  readonly #groups: GroupReader;
  #events: LoggedEvent[] = [];
  #checksumBytes: number;
  /** The bytes of an event that does not fit a block, as far as they came. */
  #large: Buffer | null = null;
  #filled = 0;
  #groupWants = false;
  #closed: EndedGroup | null = null;
  #torn = false;

  constructor(format: FormatDescription, offset: number) {
    this.#checksumBytes = checksumBytesOf(format);
    this.#groups = new GroupReader({
      visitor: {
        query: () => undefined,
        group: ({ gtid, start, end }) => (this.#closed = { gtid, start, end }),
        torn: () => (this.#torn = true),
      },
      onProblem: this.problem.bind(this),
      start: { format, offset, gtidState: null },
    });
    this.#walker = new EventWalker({ sink: this, verifyChecksums: true, start: { format, offset } });
  }

  /** Of the next event. */
  get offset(): number {
    return this.#walker.offset;
  }

  get insideEvent(): boolean {
    return this.#large !== null;
  }

  walk(block: Buffer, to: number): number {
    return this.#walker.walk(block, 0, to);
  }

  take(): LoggedEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  event(view: EventView): void {
    const opens = !this.#groups.insideGroup;
    this.#groups.event(view);
    const bytes = this.#large;
    this.#large = null;
    if (opens || this.#closed !== null || !NOTES.has(view.type)) this.#keep(view, bytes, opens);
    this.#closed = null;
    this.#torn = false;
  }

  /** Field by field: copying with `...` takes four times as long, for each of millions of events. */
  #keep(view: EventView, bytes: Buffer | null, opens: boolean): void {
    const at = bytes === null ? view.at : 0;
    const { length, offset, number, type, time, serverId, flags } = view;
    this.#events.push({
      buffer: bytes ?? view.buffer,
      data: bytes === null ? view.data : dataOf(bytes),
      at,
      available: length,
      length,
      offset,
      number,
      type,
      time,
      serverId,
      flags,
      bodyEnd: at + length - this.#checksumBytes,
      opens: opens || this.#torn,
      closes: this.#closed,
      isInside: this.#groups.insideGroup,
      afterTorn: this.#torn,
    });
  }

  begin(view: EventView): boolean {
    this.#groupWants = this.#groups.begin(view);
    this.#large = Buffer.allocUnsafeSlow(view.length);
    this.#filled = 0;
    return true;
  }

  bytes(bytes: Buffer): void {
    if (this.#groupWants) this.#groups.bytes(bytes);
    if (this.#large !== null) this.#filled += bytes.copy(this.#large, this.#filled);
  }

  release(offset: number): void {
    this.#groups.release(offset);
  }

  format(format: FormatDescription, offset: number): void {
    this.#checksumBytes = checksumBytesOf(format);
    this.#groups.format(format, offset);
  }

  problem(problem: BinlogProblem): void {
    this.problems.push(problem);
  }
}

function checksumBytesOf({ checksum }: FormatDescription): number {
  return checksum === 'crc32' ? CHECKSUM_BYTES : 0;
}

function dataOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** An INCIDENT, or an event of a type that is not known, is one like others: whoever executes it decides. */
function throwIfDamaged(range: ServedRange, problems: readonly BinlogProblem[]): void {
  const found = problems.find(({ kind }) => kind !== 'source-incident' && kind !== 'unknown-type');
  if (found !== undefined) throw damaged(range, found.offset, found.problem);
}

function damaged({ file }: ServedRange, offset: number, what: string): LastgoodError {
  return new LastgoodError('ARCHIVE_DAMAGED', `cannot replay ${file}:${offset}: ${what}`, {
    details: { file, offset },
  });
}
