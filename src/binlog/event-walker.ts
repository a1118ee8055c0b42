import { CHECKSUM_BYTES, RunChecksum, hasValidChecksum, isResidue, updateChecksum } from './checksum.ts';
import { BINLOG_MAGIC, ENCRYPTED_MAGIC, EVENT, EVENT_FLAG, EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventSink, EventView } from './event-view.ts';
import { parseFormatDescription, type FormatDescription } from './format-description.ts';
import { ENCRYPTED } from './log-end.ts';

/** An event longer than this is checked as it passes and only its head is kept: memory stays flat. */
export const MAX_WHOLE_EVENT_BYTES = 1024 * 1024;

/** A server's own limit is max_allowed_packet, 1 GiB, plus headers; anything above is a damaged length. */
const MAX_EVENT_BYTES = 0x40000000 + 0x100000;

/** An event whose bytes are still arriving. */
interface LargeEvent {
  readonly head: Buffer;
  readonly length: number;
  remaining: number;
  crc: number;
  /** The sink takes its bytes as they come. */
  readonly wanted: boolean;
}

/**
 * Walks the bytes of one file, event by event: lengths, end positions and checksums are checked, each event is
 * handed to the sink. The caller keeps the bytes that are not yet consumed and brings them again with more.
 */
export class EventWalker {
  /** Byte offset in the file of the next event. */
  offset: number;
  format: FormatDescription | null;
  #stopped = false;
  readonly #sink: EventSink;
  readonly #verify: boolean;
  #rules: Rules;
  readonly #view: EventView;
  readonly #run = new RunChecksum();
  #large: LargeEvent | null = null;
  #contradicted = false;

  /** @param start a group boundary inside a file whose format is known; without it, the file's first byte */
  constructor(options: {
    sink: EventSink;
    verifyChecksums: boolean;
    start?: { format: FormatDescription; offset: number };
  }) {
    this.#sink = options.sink;
    this.#verify = options.verifyChecksums;
    this.offset = options.start?.offset ?? 0;
    this.format = options.start?.format ?? null;
    this.#rules = rulesFor(this.format, this.#verify);
    const nothing = Buffer.alloc(0);
    const data = new DataView(nothing.buffer);
    this.#view = {
      buffer: nothing,
      data,
      at: 0,
      available: 0,
      length: 0,
      offset: 0,
      number: 0,
      type: 0,
      time: 0,
      serverId: 0,
      flags: 0,
    };
  }

  /** Bytes consumed of an event that is too large to hold and not yet whole. */
  get largeBytes(): number {
    return this.#large === null ? 0 : this.#large.length - this.#large.remaining;
  }

  /** True when the event that is not yet whole says itself that it is: if nothing follows, it is damaged and not cut. */
  get contradicted(): boolean {
    return this.#contradicted;
  }

  /** True once the rest can no longer be read as events. */
  isStopped(): boolean {
    return this.#stopped;
  }

  /** Reads no further. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Consumes the whole events in `buffer[from, to)`, and large ones in pieces.
   * @returns the index up to which bytes were consumed
   */
  walk(buffer: Buffer, from: number, to: number): number {
    let at = from;
    this.#contradicted = false;
    if (this.#large !== null) at = this.#continueLarge(this.#large, buffer, at, to);
    if (this.offset === 0) at = this.#magic(buffer, at, to);
    while (!this.isStopped() && at < to) {
      let next = this.format === null ? this.#first(buffer, at, to) : this.#events(buffer, at, to);
      if (next === at && this.format !== null && !this.isStopped()) next = this.#unusual(buffer, at, to);
      if (next === at) break;
      at = next;
    }
    this.#sink.release?.(this.offset);
    return this.isStopped() ? to : at;
  }

  #magic(buffer: Buffer, at: number, to: number): number {
    const magic = buffer.subarray(at, Math.min(to, at + BINLOG_MAGIC.length));
    if (magic.equals(ENCRYPTED_MAGIC)) this.#fail(0, ENCRYPTED);
    else if (!beginsAs(magic, BINLOG_MAGIC) && !beginsAs(magic, ENCRYPTED_MAGIC))
      this.#fail(0, 'not a binary log: the magic number is missing');
    else if (magic.length < BINLOG_MAGIC.length) return at;
    this.offset = magic.length;
    return at + magic.length;
  }

  /** The FORMAT_DESCRIPTION event that says how to read the others. */
  #first(buffer: Buffer, at: number, to: number): number {
    if (this.offset === 0 || to - at < EVENT_HEADER_BYTES) return at;
    const type = buffer[at + 4];
    const length = buffer.readUInt32LE(at + 9);
    if (type !== EVENT.FORMAT_DESCRIPTION || length > MAX_WHOLE_EVENT_BYTES) {
      const old = type === EVENT.START_V3 ? ': it was written by MySQL 4.1 or older' : '';
      this.#fail(this.offset, `the first event is no FORMAT_DESCRIPTION${old}`);
      return to;
    }
    if (at + length > to) return this.#wait(buffer, at, to);
    return this.#formatDescription(buffer, at, length) ? this.#dispatch(buffer, at, length) : to;
  }

  #formatDescription(buffer: Buffer, at: number, length: number): boolean {
    const event = Buffer.from(buffer.subarray(at, at + length));
    const format = parseFormatDescription(event);
    if (format === null) {
      this.#fail(this.offset, 'the FORMAT_DESCRIPTION event cannot be read');
      return false;
    }
    // The server computes the CRC with the flag cleared and sets it afterwards. Source: sql/log_event.cc, Log_event::read_log_event.
    event.writeUInt16LE(event.readUInt16LE(17) & ~EVENT_FLAG.BINLOG_IN_USE, 17);
    if (this.#verify && format.checksumAware && !hasValidChecksum(event)) this.#badChecksum(this.offset);
    const relayLog = format.relayLog || this.format?.relayLog === true;
    this.format = { ...format, relayLog };
    this.#rules = rulesFor(this.format, this.#verify);
    this.#sink.format(this.format, this.offset);
    return true;
  }

  #dispatch(buffer: Buffer, at: number, length: number): number {
    const view = this.#view;
    this.#aim(buffer, new DataView(buffer.buffer, buffer.byteOffset, buffer.length));
    this.#fill(at, length);
    view.available = length;
    view.number += 1;
    this.#sink.event(view);
    this.offset += length;
    return at + length;
  }

  /** The hot loop: every event of the buffer that is whole. What it counts is in locals until someone asks. @returns `from` when the next one is not */
  #events(buffer: Buffer, from: number, to: number): number {
    const data = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
    const { checked, positioned, shortest } = this.#rules;
    const view = this.#view;
    const sink = this.#sink;
    const firstOffset = this.offset;
    let { quiet } = sink;
    let { offset } = this;
    let { number } = view;
    let at = from;
    this.#aim(buffer, data);
    while (to - at >= EVENT_HEADER_BYTES && !this.#stopped) {
      const length = data.getUint32(at + 9, true);
      if (length < shortest || length > MAX_EVENT_BYTES) {
        this.#fail(offset, `an event cannot have ${length} bytes`);
        break;
      }
      const type = data.getUint8(at + 4);
      if (at + length > to || type === EVENT.FORMAT_DESCRIPTION) break;
      if (checked) this.#run.add(length);
      number += 1;
      const isLoud = quiet[type] === 0;
      if (isLoud || (positioned && !endsAt(data.getUint32(at + 13, true), offset + length))) {
        this.offset = offset;
        view.number = number;
        this.#show(at, length, isLoud);
        ({ quiet } = sink);
      }
      at += length;
      offset += length;
    }
    this.offset = offset;
    view.number = number;
    if (checked) this.#verifyRun({ buffer, from, to: at, firstOffset });
    return at;
  }

  #show(at: number, length: number, isLoud: boolean): void {
    if (this.#rules.positioned) this.#checkPosition(this.#view.data.getUint32(at + 13, true), length);
    if (!isLoud) return;
    this.#fill(at, length);
    this.#sink.event(this.#view);
  }

  /** A second FORMAT_DESCRIPTION (relay logs), or the head of a large event; otherwise more bytes are needed. */
  #unusual(buffer: Buffer, at: number, to: number): number {
    if (to - at < EVENT_HEADER_BYTES) return at;
    const length = buffer.readUInt32LE(at + 9);
    if (at + length <= to) return this.#formatDescription(buffer, at, length) ? this.#dispatch(buffer, at, length) : to;
    if (length <= MAX_WHOLE_EVENT_BYTES || to - at < MAX_WHOLE_EVENT_BYTES) return this.#wait(buffer, at, to);
    if (this.#rules.positioned) this.#checkPosition(buffer.readUInt32LE(at + 13), length);
    const head = Buffer.from(buffer.subarray(at, at + MAX_WHOLE_EVENT_BYTES));
    this.#view.number += 1;
    this.#showHead(head, length);
    const wanted = this.#sink.begin?.(this.#view) === true;
    this.#large = { head, length, remaining: length, crc: 0, wanted };
    return this.#continueLarge(this.#large, buffer, at, to);
  }

  #continueLarge(large: LargeEvent, buffer: Buffer, at: number, to: number): number {
    const taken = Math.min(large.remaining, to - at);
    const { checked } = this.#rules;
    if (checked) large.crc = updateChecksum(large.crc, buffer.subarray(at, at + taken));
    if (large.wanted) this.#sink.bytes?.(buffer.subarray(at, at + taken));
    large.remaining -= taken;
    if (large.remaining > 0) return at + taken;
    this.#large = null;
    if (checked && !isResidue(large.crc)) this.#badChecksum(this.offset);
    this.#showHead(large.head, large.length);
    this.#sink.event(this.#view);
    this.offset += large.length;
    return at + taken;
  }

  /** Puts an event that is too large to hold into the view. */
  #showHead(head: Buffer, length: number): void {
    this.#aim(head, new DataView(head.buffer, head.byteOffset, head.length));
    this.#fill(0, length);
    this.#view.available = head.length;
  }

  /** More bytes are needed by the event's length. Its end position may say that it is whole: one of the two is wrong. */
  #wait(buffer: Buffer, at: number, to: number): number {
    const end = buffer.readUInt32LE(at + 13);
    this.#contradicted = this.#rules.positioned && end !== 0 && (end - this.offset) >>> 0 <= to - at;
    return at;
  }

  #aim(buffer: Buffer, data: DataView): void {
    this.#view.buffer = buffer;
    this.#view.data = data;
  }

  #fill(at: number, length: number): void {
    const view = this.#view;
    const { data } = view;
    view.at = at;
    view.length = length;
    view.available = length;
    view.offset = this.offset;
    view.time = data.getUint32(at, true);
    view.type = data.getUint8(at + 4);
    view.serverId = data.getUint32(at + 5, true);
    view.flags = data.getUint16(at + 17, true);
  }

  /** One CRC over all events; only when it is wrong, each is checked to find which. */
  #verifyRun(run: { buffer: Buffer; from: number; to: number; firstOffset: number }): void {
    if (this.#run.matches(run.buffer.subarray(run.from, run.to))) return;
    for (let at = run.from; at < run.to;) {
      const length = run.buffer.readUInt32LE(at + 9);
      if (!hasValidChecksum(run.buffer.subarray(at, at + length))) this.#badChecksum(run.firstOffset + (at - run.from));
      at += length;
    }
  }

  #badChecksum(offset: number): void {
    this.#sink.problem({ kind: 'damage', offset, problem: 'the checksum of the event is wrong' });
  }

  #checkPosition(end: number, length: number): void {
    if (endsAt(end, this.offset + length)) return;
    const problem = `the event says it ends at ${end}, but it ends at ${this.offset + length}`;
    this.#sink.problem({ kind: 'damage', offset: this.offset, problem });
  }

  #fail(offset: number, problem: string): void {
    this.#stopped = true;
    this.#sink.problem({ kind: 'unreadable', offset, problem });
  }
}

/** What has come so far of a file's first bytes may become `magic`. */
function beginsAs(bytes: Buffer, magic: Buffer): boolean {
  return magic.subarray(0, bytes.length).equals(bytes);
}

/** Positions count to 4 GiB and begin again; 0 is left out by MariaDB 11.4 inside groups. */
function endsAt(says: number, end: number): boolean {
  return says === 0 || says === end >>> 0;
}

/** What holds for every event of a file. */
interface Rules {
  readonly checked: boolean;
  readonly positioned: boolean;
  /** Bytes. */
  readonly shortest: number;
}

function rulesFor(format: FormatDescription | null, verify: boolean): Rules {
  const hasChecksum = format?.checksum === 'crc32';
  return {
    checked: verify && hasChecksum,
    positioned: format?.relayLog !== true,
    shortest: EVENT_HEADER_BYTES + (hasChecksum ? CHECKSUM_BYTES : 0),
  };
}
