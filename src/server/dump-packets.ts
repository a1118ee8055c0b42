import { CHECKSUM_BYTES, hasValidChecksum } from '../binlog/checksum.ts';
import { EVENT, EVENT_FLAG, EVENT_HEADER_BYTES } from '../binlog/event-type.ts';
import { LastgoodError } from '../platform/errors.ts';

/** Where the bytes of a dumped binary log go. Calls come in the log's order; `chunk` is valid only during the call. */
export interface DumpSink {
  /** The events that follow stand in this file, from this offset. */
  rotate(file: string, position: number): void;
  /** The file's FORMAT_DESCRIPTION, sent again because the dump began inside the file; not to be written. */
  formatAgain(event: Buffer): void;
  /** Bytes of the file; not necessarily whole events. */
  append(chunk: Buffer, from: number, to: number): void;
  /** A commit on the source waits until everything up to here is durable, and is acknowledged. Semi-synchronous dumps only. */
  awaited?(): void;
}

/** A packet of this length goes on in the next one. Source: MySQL source docs, "Protocol Basics: sending more than 16 MB". */
const FULL_PACKET = 0xffffff;
const PACKET_HEADER_BYTES = 4;
/** Of a plain dump: the status byte. */
const STATUS_BYTES = 1;
/** Of a semi-synchronous dump: status byte, 0xef, 1 when a commit waits. Source: MariaDB 10.11 sql/semisync.h, kSyncHeader. */
const SEMI_SYNC_BYTES = 3;
const SEMI_SYNC_MARK = 0xef;
const COMMIT_WAITS = 1;
/** What stands before an event at most, and the event's header: enough to decide what to do with it. */
const MAX_DECISION_BYTES = SEMI_SYNC_BYTES + EVENT_HEADER_BYTES;
/** A ROTATE's position, before the name. */
const ROTATE_HEAD_BYTES = 8;
const OK = 0x00;
const EOF = 0xfe;

/** pass: to the sink · keep: an event needed whole, for us · word: no event · drop: of the stream, not of the file. */
type Route = 'pass' | 'keep' | 'word' | 'drop';

/**
 * Takes the packets of a dump apart and hands the file's bytes on, nothing else: no heartbeats, no artificial
 * events. Chunks may be cut anywhere. The usual packet, small and whole in its chunk, costs no object: its event is moved within the chunk.
 */
export class DumpPackets {
  /** Why the source ended the stream; undefined while it goes on. */
  end: { readonly kind: 'eof' } | { readonly kind: 'error'; readonly packet: Buffer } | undefined;
  readonly #sink: DumpSink;
  /** Bytes before the event in its packet; 0: the first packet will say. */
  #before: number;
  readonly #head = Buffer.alloc(PACKET_HEADER_BYTES + MAX_DECISION_BYTES);
  #headBytes = 0;
  #headWanted = PACKET_HEADER_BYTES;
  #remaining = 0;
  #full = false;
  #continues = false;
  #route: Route = 'pass';
  #awaited = false;
  #kept: Buffer[] = [];

  /** @param options.semiSync that was asked for; whether the source does it shows in its first packet */
  constructor(sink: DumpSink, { semiSync = false }: { semiSync?: boolean } = {}) {
    this.#sink = sink;
    this.#before = semiSync ? 0 : STATUS_BYTES;
  }

  /** True once the source has shown that it treats this dump as a semi-synchronous replica. */
  get isSemiSync(): boolean {
    return this.#before === SEMI_SYNC_BYTES;
  }

  /** @param chunk is changed */
  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.end === undefined) {
      const next = this.#whole(chunk, at);
      at = next > at ? next : this.#piece(chunk, at);
    }
  }

  /**
   * The fast way: packets that are whole in the chunk and hold one event of the file. The events are moved together in the chunk
   * itself, over the packets' heads, and handed on at once: a view of each would cost more than its bytes. @returns where it stopped
   */
  #whole(chunk: Buffer, from: number): number {
    if (this.#isInside || this.#before === 0) return from;
    const head = PACKET_HEADER_BYTES + this.#before;
    const first = from + head;
    let at = from;
    let gathered = first;
    let awaited = false;
    for (let end = this.#endOfEvent(chunk, at); end > at && !awaited; end = this.#endOfEvent(chunk, at)) {
      const event = at + head;
      awaited = this.#isAwaited(chunk, event);
      if (event > gathered) chunk.copyWithin(gathered, event, end);
      gathered += end - event;
      at = end;
    }
    if (at > from) this.#sink.append(chunk, first, gathered);
    if (awaited) this.#sink.awaited?.();
    return at;
  }

  /** @returns where the packet ends that begins at `at`, if it is whole and holds one event of the file; else `at` */
  #endOfEvent(chunk: Buffer, at: number): number {
    const event = at + PACKET_HEADER_BYTES + this.#before;
    if (chunk.length < event + EVENT_HEADER_BYTES) return at;
    const length = chunk.readUIntLE(at, 3);
    const end = at + PACKET_HEADER_BYTES + length;
    if (end > chunk.length || length < this.#before + EVENT_HEADER_BYTES || length === FULL_PACKET) return at;
    return chunk[at + PACKET_HEADER_BYTES] === OK && routeOf(chunk, event) === 'pass' ? end : at;
  }

  /** True in the middle of a packet, or of an event that has several. */
  get #isInside(): boolean {
    return this.#headBytes > 0 || this.#remaining > 0 || this.#continues;
  }

  #isAwaited(packet: Buffer, event: number): boolean {
    return this.#before === SEMI_SYNC_BYTES && packet[event - 1] === COMMIT_WAITS;
  }

  /** The careful way: any packet, in any pieces. @returns how far it came */
  #piece(chunk: Buffer, at: number): number {
    if (this.#headBytes < this.#headWanted) return this.#gatherHead(chunk, at);
    const to = Math.min(chunk.length, at + this.#remaining);
    this.#take(chunk, at, to);
    this.#remaining -= to - at;
    if (this.#remaining === 0) this.#packetEnds();
    return to;
  }

  #gatherHead(chunk: Buffer, at: number): number {
    const to = Math.min(chunk.length, at + this.#headWanted - this.#headBytes);
    chunk.copy(this.#head, this.#headBytes, at, to);
    this.#headBytes += to - at;
    if (this.#headBytes < this.#headWanted) return to;
    const length = this.#head.readUIntLE(0, 3);
    if (this.#headWanted === PACKET_HEADER_BYTES) {
      this.#full = length === FULL_PACKET;
      this.#headWanted += this.#continues
        ? 0
        : Math.min(length, (this.#before || SEMI_SYNC_BYTES) + EVENT_HEADER_BYTES);
      if (this.#headBytes < this.#headWanted) return to;
    }
    this.#remaining = length - (this.#headWanted - PACKET_HEADER_BYTES);
    if (!this.#continues) this.#eventBegins();
    if (this.#remaining === 0) this.#packetEnds();
    return to;
  }

  #eventBegins(): void {
    const status = PACKET_HEADER_BYTES;
    const isOk = this.#head[status] === OK;
    if (isOk && this.#before === 0) this.#decide(this.#head[status + 1]);
    const event = status + this.#before;
    if (!isOk || this.#headWanted < event + EVENT_HEADER_BYTES) {
      this.#route = 'word';
      this.#take(this.#head, status, this.#headWanted);
      return;
    }
    this.#awaited = this.#isAwaited(this.#head, event);
    this.#route = routeOf(this.#head, event);
    this.#take(this.#head, event, this.#headWanted);
  }

  /** The first event is an artificial ROTATE, whose own first byte is 0. */
  #decide(afterStatus: number | undefined): void {
    this.#before = afterStatus === SEMI_SYNC_MARK ? SEMI_SYNC_BYTES : STATUS_BYTES;
  }

  #take(chunk: Buffer, from: number, to: number): void {
    if (from === to) return;
    if (this.#route === 'pass') this.#sink.append(chunk, from, to);
    else if (this.#route !== 'drop') this.#kept.push(Buffer.from(chunk.subarray(from, to)));
  }

  #packetEnds(): void {
    this.#headBytes = 0;
    this.#headWanted = PACKET_HEADER_BYTES;
    this.#continues = this.#full;
    if (this.#continues) return;
    const kept = Buffer.concat(this.#kept);
    this.#kept = [];
    if (this.#route === 'keep') this.#ourEvent(kept);
    else if (this.#route === 'word') this.#lastWord(kept);
    this.#route = 'pass';
    if (this.#awaited) this.#sink.awaited?.();
    this.#awaited = false;
  }

  #lastWord(packet: Buffer): void {
    if (packet[0] === EOF) this.end = { kind: 'eof' };
    else if (packet[0] !== OK) this.end = { kind: 'error', packet };
    else throw noEvent(packet.length);
  }

  #ourEvent(event: Buffer): void {
    if (event.length < EVENT_HEADER_BYTES + ROTATE_HEAD_BYTES) throw noEvent(STATUS_BYTES + event.length);
    if (event[4] === EVENT.FORMAT_DESCRIPTION) this.#sink.formatAgain(event);
    else this.#rotate(event);
  }

  #rotate(event: Buffer): void {
    const name = withoutChecksum(event).toString('utf8', EVENT_HEADER_BYTES + ROTATE_HEAD_BYTES);
    this.#sink.rotate(name, Number(event.readBigUInt64LE(EVENT_HEADER_BYTES)));
  }
}

function noEvent(bytes: number): LastgoodError {
  return new LastgoodError('STREAM_DAMAGED', `the source sent a packet of ${bytes} bytes that is no event`);
}

/**
 * What to do with an event, told from its header. Heartbeats are known by their type alone: they have neither the
 * flag nor an end position of 0. In the middle of an encrypted file MariaDB sends its START_ENCRYPTION again, which has
 * that position but not the flag. Source: tried with MariaDB 10.11 and MySQL 5.6.
 */
function routeOf(bytes: Buffer, at: number): Route {
  const type = bytes[at + 4];
  const flags = bytes[at + 17] as number;
  if (type === EVENT.FORMAT_DESCRIPTION) return bytes.readUInt32LE(at + 13) === 0 ? 'keep' : 'pass';
  if (type === EVENT.HEARTBEAT || type === EVENT.HEARTBEAT_V2) return 'drop';
  if (type === EVENT.START_ENCRYPTION && bytes.readUInt32LE(at + 13) === 0) return 'drop';
  if (type === EVENT.ROTATE && bytes.readUInt32LE(at) === 0) return 'keep';
  return (flags & EVENT_FLAG.ARTIFICIAL) === 0 ? 'pass' : 'drop';
}

/**
 * An artificial ROTATE has a CRC or not by what was negotiated, whatever the file has, and nothing says which but
 * the bytes: four digits at a name's end are its own CRC once in 2^32 names, a CRC's bytes are digits far more often.
 */
function withoutChecksum(event: Buffer): Buffer {
  return hasValidChecksum(event) ? event.subarray(0, -CHECKSUM_BYTES) : event;
}
