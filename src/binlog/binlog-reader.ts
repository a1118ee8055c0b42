import { EventWalker } from './event-walker.ts';
import { isWrong, type BinlogProblem } from './event-view.ts';
import type { FormatDescription } from './format-description.ts';
import { GroupReader } from './group-reader.ts';
import type { LogEnd } from './log-end.ts';
import type { GtidState } from './gtid.ts';
import type { GroupVisitor } from './group.ts';

/** A group boundary inside a file from which reading can begin. */
export interface ReadingStart {
  readonly format: FormatDescription;
  readonly offset: number;
  readonly gtidState: GtidState | null;
}

export interface ReaderOptions {
  readonly visitor: GroupVisitor;
  readonly verifyChecksums: boolean;
  readonly start?: ReadingStart;
  readonly onFormat?: (format: FormatDescription) => void;
}

/** What one reading found. */
export interface BinlogReading {
  readonly format: FormatDescription | null;
  readonly gtidStart: GtidState | null;
  readonly gtidEnd: GtidState | null;
  readonly groups: number;
  /** Of whole groups and between them. */
  readonly events: number;
  /** From the file's start to the last byte seen. */
  readonly bytes: number;
  /** Offset after the last event that is not inside an unfinished group. */
  readonly wholeTo: number;
  readonly end: LogEnd | 'torn';
  readonly problems: readonly BinlogProblem[];
}

/** A damaged file can have a problem at every event; so many are listed, the rest are counted in the last one. */
const MAX_PROBLEMS = 100;

/** By place: a checksum is known to be wrong only after events behind it were read. How the file ends comes last. */
function inOrder(a: BinlogProblem, b: BinlogProblem): number {
  return Number(a.kind === 'torn') - Number(b.kind === 'torn') || a.offset - b.offset;
}

/** Reads the bytes of one file as they come: an event walker and a group reader, with the list of what was wrong. */
export class BinlogReader {
  readonly #walker: EventWalker;
  readonly #groups: GroupReader;
  /** What was wrong so far, in the order it was met. */
  readonly problems: BinlogProblem[] = [];
  #unlisted = 0;
  #unlistedLast: BinlogProblem | null = null;
  #left = 0;
  #ended = false;

  constructor({ visitor, verifyChecksums, start, onFormat }: ReaderOptions) {
    const from = start === undefined ? {} : { start };
    const report = this.#report.bind(this);
    this.#groups = new GroupReader({
      visitor,
      onProblem: report,
      ...(onFormat === undefined ? {} : { onFormat }),
      ...from,
    });
    this.#walker = new EventWalker({ sink: this.#groups, verifyChecksums, ...from });
  }

  /** Byte offset in the file up to which events were consumed. */
  get offset(): number {
    return this.#walker.offset;
  }

  /** True once the rest can no longer be read as events. */
  get stopped(): boolean {
    return this.#walker.isStopped();
  }

  /** How the file stands now; see {@link BinlogReading}. */
  get counts(): GroupReader {
    return this.#groups;
  }

  get format(): FormatDescription | null {
    return this.#walker.format;
  }

  /** Consumes whole events of `buffer[from, to)`. @returns the index up to which bytes were consumed: bring the rest again */
  walk(buffer: Buffer, from: number, to: number): number {
    return this.#walker.walk(buffer, from, to);
  }

  /** The file has no more bytes; so many of the last ones were no whole event. */
  sourceEnded(left: number): void {
    this.#ended = true;
    this.#left = left;
  }

  /** The result so far. A file that ended inside an event or a group gets its problem here. */
  finish(): BinlogReading {
    const torn = this.#ended && !this.stopped ? this.#tornTail() : null;
    if (torn !== null) this.#report(torn);
    const { gtidStart, gtidEnd, groups, events, wholeTo, end } = this.#groups;
    return {
      format: this.format,
      gtidStart,
      gtidEnd,
      groups,
      events,
      bytes: this.offset + this.#walker.largeBytes + this.#left,
      wholeTo,
      end: torn !== null || this.stopped ? 'torn' : end,
      problems: this.problems.toSorted(inOrder),
    };
  }

  #tornTail(): BinlogProblem | null {
    const { offset } = this;
    if (this.format === null && this.#left === 0 && offset <= 4)
      return { kind: 'torn', offset, problem: 'the file is empty' };
    if (this.#walker.contradicted)
      return { kind: 'damage', offset, problem: 'the event says it ends elsewhere than its length does' };
    if (this.#left > 0 || this.#walker.largeBytes > 0)
      return { kind: 'torn', offset, problem: 'the file ends inside an event' };
    if (!this.#groups.insideGroup) return null;
    return { kind: 'torn', offset: this.#groups.wholeTo, problem: 'the file ends inside a transaction group' };
  }

  #report(problem: BinlogProblem): void {
    if (problem.kind === 'unreadable') this.#walker.stop();
    if (this.problems.length < MAX_PROBLEMS) {
      this.problems.push(problem);
      return;
    }
    this.#unlisted += 1;
    // Wrong bytes must not hide behind what is only not understood.
    if (this.#unlistedLast === null || isWrong(problem) || !isWrong(this.#unlistedLast)) this.#unlistedLast = problem;
    this.problems[MAX_PROBLEMS] = {
      ...this.#unlistedLast,
      problem: `${this.#unlistedLast.problem} (the last of ${this.#unlisted} more problems)`,
    };
  }
}
