import type { FormatDescription } from './format-description.ts';

/**
 * A window on one event, reused for the next: valid only during the callback that hands it over.
 * No object is made per event, because a log of a gigabyte holds millions.
 */
export interface EventView {
  buffer: Buffer;
  /** Same bytes as `buffer`. */
  data: DataView;
  /** Index of the event's first byte in `buffer`. */
  at: number;
  /** Bytes of the event present in `buffer`; less than `length` only for events too large to hold. */
  available: number;
  /** Bytes of the whole event, header and checksum included. */
  length: number;
  /** Of its first byte in the file, 64 bits wide. */
  offset: number;
  /** Which one it is since reading began. */
  number: number;
  type: number;
  /** Seconds since 1970. */
  time: number;
  serverId: number;
  flags: number;
}

/** Where the walker hands its events and what it finds wrong. */
export interface EventSink {
  event(view: EventView): void;
  /**
   * By type, 1 for events that need not be handed over now: what is not, is counted by the number of the next, and stays in the buffer until
   * `release`. Asked anew for each buffer and after each event.
   */
  readonly quiet: Uint8Array;
  /** @param offset of the event that says it */
  format(format: FormatDescription, offset: number): void;
  /** An event too large to hold begins; true to get its bytes as they come. `event` follows once it is whole. */
  begin?(view: EventView): boolean;
  /** Its next bytes, from the header to the checksum. */
  bytes?(bytes: Buffer): void;
  /** The buffer that views pointed into is about to be overwritten. All events before this offset were in it, or in those before. */
  release?(offset: number): void;
  /** Something the log should not hold, at a byte offset. Reading goes on where it can. */
  problem(problem: BinlogProblem): void;
}

/**
 * torn: the file ends inside an event or a group · damage: bytes are wrong, reading goes on · unreadable: nothing
 * behind the offset can be read · not-understood: an event with its right checksum whose content cannot be read, reading goes
 * on · unknown-type: a group has an event of a type that is not known, reading goes on · source-incident: the source says itself that
 * events may be missing here.
 */
export type ProblemKind = 'torn' | 'damage' | 'unreadable' | 'not-understood' | 'unknown-type' | 'source-incident';

export interface BinlogProblem {
  readonly kind: ProblemKind;
  /** Bytes from the file's start. */
  readonly offset: number;
  readonly problem: string;
}

/** True where the bytes are as the source wrote them, and what it wrote is told of. */
export function isOfSource({ kind }: BinlogProblem): boolean {
  return kind === 'source-incident' || kind === 'not-understood' || kind === 'unknown-type';
}

/** True when bytes are wrong, or cannot be read: not for a torn end, nor for what is only told of. */
export function isWrong({ kind }: BinlogProblem): boolean {
  return kind === 'damage' || kind === 'unreadable';
}
