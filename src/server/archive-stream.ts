import { setTimeout as sleep } from 'node:timers/promises';
import { EVENT, EVENT_HEADER_BYTES } from '../binlog/event-type.ts';
import { FIRST_EVENT_OFFSET, type Coordinates } from '../binlog/coordinates.ts';
import type { ByteSource } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { EventPackets } from './event-packets.ts';
import type { ServedRange } from './served-range.ts';
import {
  artificialRotate,
  clearInUse,
  formatForMiddle,
  heartbeat,
  parseRotate,
  type ArtificialEvent,
} from './replication-protocol.ts';

const READ_BYTES = 1024 * 1024;
/** A heartbeat's position is four bytes wide: beyond, a replica would take it for a step back. A ROTATE has eight. */
const MAX_HEARTBEAT_POSITION = 0xffffffff;

export interface ArchiveStreamOptions {
  readonly packets: EventPackets;
  readonly serverId: number;
  /** The first starts where the client asked; the others follow in order. */
  readonly ranges: readonly ServedRange[];
  /** What the client negotiated: holds for the first ROTATE, before any FORMAT_DESCRIPTION. */
  readonly checksum: 'crc32' | 'none';
  /** 0: none. */
  readonly heartbeatMs: number;
  readonly signal: AbortSignal;
}

/** Sends ranges of archived files as one replication stream: nothing outside them, every event as it stands there. */
export class ArchiveStream {
  readonly #options: ArchiveStreamOptions;
  readonly #buffer = Buffer.allocUnsafe(READ_BYTES);
  #checksum: 'crc32' | 'none';
  #file = '';
  #offset = 0;
  /** In the range's `leftOut`: the first one that is not passed. */
  #gap = 0;
  /** The name of the range that follows; null in the last one. */
  #next: string | null = null;
  /** Where the client stands when that is not where its last event ended. */
  #standing: Coordinates | null = null;

  constructor(options: ArchiveStreamOptions) {
    this.#options = options;
    this.#checksum = options.checksum;
  }

  /** @throws LastgoodError `ARCHIVE_DAMAGED` when a range's bytes are no whole events */
  async sendRanges(): Promise<void> {
    const { ranges } = this.#options;
    for (const [index, range] of ranges.entries()) {
      this.#next = ranges[index + 1]?.file ?? null;
      await this.#enter(range);
      await this.#send(range);
    }
    await this.#options.packets.drain();
  }

  /** Shows that the stream is alive until the signal comes; returns at once for a client that wants no heartbeats. */
  async keepAlive(): Promise<void> {
    const { packets, heartbeatMs, ranges, signal } = this.#options;
    // MySQL 5.6 stops at a heartbeat behind a file's own ROTATE: no FORMAT_DESCRIPTION has told it yet how to read one.
    if (heartbeatMs > 0 && this.reached.file !== this.#file) await this.#lead(ranges.at(-1));
    while (heartbeatMs > 0) {
      await sleep(heartbeatMs, undefined, { signal });
      if (this.reached.position <= MAX_HEARTBEAT_POSITION) await packets.event(heartbeat(this.#place));
      else await this.#lead(ranges.at(-1));
      await packets.drain();
    }
  }

  /** Where a replica stands that has applied everything sent so far. */
  get reached(): Coordinates {
    return this.#standing ?? { file: this.#file, position: this.#offset };
  }

  get #place(): ArtificialEvent {
    return { ...this.reached, serverId: this.#options.serverId, withChecksum: this.#checksum === 'crc32' };
  }

  /** A client learns the file's name from an artificial ROTATE, then how to read it from its FORMAT_DESCRIPTION. */
  async #enter(range: ServedRange): Promise<void> {
    this.#file = range.file;
    this.#offset = range.from;
    this.#gap = 0;
    this.#standing = null;
    await this.#lead(range);
    this.#checksum = range.checksum;
  }

  /** Tells the client where it stands; every ROTATE makes it forget how to read events. */
  async #lead(range: ServedRange | undefined): Promise<void> {
    const { packets } = this.#options;
    await packets.event(artificialRotate(this.#place));
    if (range !== undefined && (this.#offset > FIRST_EVENT_OFFSET || range.from === range.to))
      await packets.event(formatForMiddle(range.formatEvent));
  }

  async #send(range: ServedRange): Promise<void> {
    if (range.from === range.to) return;
    await using source = await range.open(range.from);
    let have = 0;
    while (this.#offset + have < range.to) {
      if (range.to === Infinity) await this.#options.packets.flush(); // the source may wait for the client
      const read = await source.read(this.#buffer, have);
      if (read === 0 && range.to === Infinity) break;
      if (read === 0) throw damaged(range.file, this.#offset + have, 'the archive has no more bytes');
      have = Math.min(have + read, range.to - this.#offset);
      have = await this.#sendWhole(range, source, have);
    }
    if (have > 0) throw damaged(range.file, this.#offset, 'an event is cut in two');
  }

  /** Sends the whole events among the first `have` bytes of the buffer. @returns how many bytes are left over */
  async #sendWhole(range: ServedRange, source: ByteSource, have: number): Promise<number> {
    let at = 0;
    let end = have;
    while (end - at >= EVENT_HEADER_BYTES) {
      const passed = Math.min(this.#leftOutHere(range), end - at);
      if (passed > 0) {
        at += passed;
        this.#offset += passed;
        continue;
      }
      const length = this.#lengthAt(range, at);
      if (at + length > end && length <= READ_BYTES) break;
      if (this.#offset === FIRST_EVENT_OFFSET) clearInUse(this.#buffer, at);
      if (at + length > end) {
        const read = await this.#sendLarge(source, { head: this.#buffer.subarray(at, end), length });
        at = 0;
        end = Math.min(read, range.to - this.#offset);
        continue;
      }
      if (this.#leadsElsewhere(at, length)) this.#standing = this.reached;
      else await this.#sendEvent(at, length);
      at += length;
      this.#offset += length;
    }
    this.#buffer.copy(this.#buffer, 0, at, end);
    return end - at;
  }

  /** How many bytes from here on are not sent. */
  #leftOutHere({ leftOut }: ServedRange): number {
    if (leftOut === undefined) return 0;
    while ((leftOut[this.#gap + 1] ?? Infinity) <= this.#offset) this.#gap += 2;
    return (leftOut[this.#gap] ?? Infinity) <= this.#offset ? (leftOut[this.#gap + 1] ?? 0) - this.#offset : 0;
  }

  async #sendEvent(at: number, length: number): Promise<void> {
    if (!this.#options.packets.tryEvent(this.#buffer, at, at + length)) await this.#makeRoom(at, length);
    this.#follow(at, length);
  }

  /**
   * True for a ROTATE to another file than the one that follows: where logs of two servers are joined, the artificial one says how it
   * goes on. Else a replica would stand, for a moment, in a file that may be named like one it comes to later.
   */
  #leadsElsewhere(at: number, length: number): boolean {
    if (this.#buffer[at + 4] !== EVENT.ROTATE || this.#next === null) return false;
    const event = this.#buffer.subarray(at, at + length);
    return parseRotate(event, this.#checksum === 'crc32').file !== this.#next;
  }

  /** A replica goes where a ROTATE sends it, and does not count a STOP. */
  #follow(at: number, length: number): void {
    const type = this.#buffer[at + 4];
    if (type === EVENT.STOP) this.#standing = { file: this.#file, position: this.#offset };
    if (type !== EVENT.ROTATE) return;
    this.#standing = parseRotate(this.#buffer.subarray(at, at + length), this.#checksum === 'crc32');
  }

  async #makeRoom(at: number, length: number): Promise<void> {
    const { packets } = this.#options;
    await packets.flush();
    if (!packets.tryEvent(this.#buffer, at, at + length)) await packets.event(this.#buffer.subarray(at, at + length));
  }

  /** An event larger than the buffer goes through in pieces. @returns how many bytes behind it are in the buffer */
  async #sendLarge(source: ByteSource, { head, length }: { head: Buffer; length: number }): Promise<number> {
    const { packets } = this.#options;
    await packets.beginEvent(length);
    await packets.piece(head);
    let remaining = length - head.length;
    for (;;) {
      const read = await source.read(this.#buffer, 0);
      if (read === 0) throw damaged(this.#file, this.#offset, 'an event is cut in two');
      const taken = Math.min(read, remaining);
      await packets.piece(this.#buffer.subarray(0, taken));
      remaining -= taken;
      if (remaining > 0) continue;
      this.#offset += length;
      this.#buffer.copy(this.#buffer, 0, taken, read);
      return read - taken;
    }
  }

  #lengthAt(range: ServedRange, at: number): number {
    const length = this.#buffer.readUInt32LE(at + 9);
    const end = this.#buffer.readUInt32LE(at + 13);
    if (length < EVENT_HEADER_BYTES || this.#offset + length > range.to) {
      throw damaged(range.file, this.#offset, `an event cannot have ${length} bytes before ${range.to}`);
    }
    // MariaDB since 11.4 leaves the position 0 in events inside a transaction.
    if (end !== 0 && end !== (this.#offset + length) % 2 ** 32) {
      throw damaged(range.file, this.#offset, `the event says that it ends at ${end}`);
    }
    return length;
  }
}

function damaged(file: string, offset: number, what: string): LastgoodError {
  return new LastgoodError('ARCHIVE_DAMAGED', `cannot serve ${file}:${offset}: ${what}`, { details: { file, offset } });
}
