import { CHECKSUM_BYTES } from './checksum.ts';
import { EVENT, EVENT_HEADER_BYTES } from './event-type.ts';
import { NO_TYPES } from './event-role.ts';
import type { BinlogProblem, EventSink, EventView } from './event-view.ts';
import { EventWalker, MAX_WHOLE_EVENT_BYTES } from './event-walker.ts';
import type { FormatDescription } from './format-description.ts';
import type { GroupEnding } from './group.ts';
import { PlainDecoder, ZstdDecoder, type PayloadDecoder } from './payload-decoder.ts';
import { parsePayloadHeader, type PayloadHeader } from './payload-header.ts';

/** A walker leaves less than the head of one large event; at least as much again is decoded at a time. */
const PLAIN_BYTES = 2 * MAX_WHOLE_EVENT_BYTES;

/** No payload has a magic number: its walker is told that it begins behind one. */
const FIRST_OFFSET = 4;

/** The payload that is being read. */
interface OpenPayload {
  readonly header: PayloadHeader;
  readonly decoder: PayloadDecoder;
  readonly events: EventWalker;
  /** Bytes of the event before its payload: to be passed over. */
  skip: number;
  /** Stored bytes of the payload that are still to come. */
  missing: number;
  /** Plain bytes so far. */
  decoded: number;
  /** Plain bytes that are no whole event yet. */
  kept: number;
}

/** Takes inner events that are too large to hold: of the other ones' bytes no copy is kept after `release`. */
interface LargeEvents {
  begin(view: EventView, bodyBytes: number): boolean;
  bytes(bytes: Buffer): void;
  release(offset: number): void;
}

/**
 * Reads the events inside MySQL's TRANSACTION_PAYLOAD events, each handed over like any other, at the outer event's
 * offset and without a checksum. Memory stays flat, whatever a payload holds or says that it holds: plain bytes go
 * through one buffer, and nothing is decoded beyond the length that it gave or behind what cannot be an event.
 */
export class PayloadReader implements EventSink {
  readonly quiet = NO_TYPES;
  readonly #deliver: (view: EventView) => void;
  readonly #large: LargeEvents;
  readonly #none = new PlainDecoder();
  #zstd: ZstdDecoder | null = null;
  #plain: Buffer | null = null;
  #open: OpenPayload | null = null;
  #wrong: string | null = null;
  /** True from `enter` to `end`: the bytes that come are its. */
  isOpen = false;
  /** True while inner events are handed over. */
  isInside = false;
  /** Said by the inner event that ends the group: it does so when the payload is whole. */
  ending: GroupEnding | null = null;
  /** Of the outer event. */
  #offset = 0;

  constructor(deliver: (view: EventView) => void, large: LargeEvents) {
    this.#deliver = deliver;
    this.#large = large;
  }

  /** The view has the whole event, or its first MiB. Its bytes come by `push`. */
  enter(view: EventView, outer: FormatDescription): void {
    this.isOpen = true;
    this.ending = null;
    this.#open = null;
    this.#offset = view.offset;
    const header = parsePayloadHeader(view.buffer, view.at + EVENT_HEADER_BYTES, view.at + view.available);
    this.#wrong = typeof header === 'string' ? header : null;
    if (typeof header === 'string') return;
    const skip = header.end - view.at;
    const room = view.length - skip - (outer.checksum === 'crc32' ? CHECKSUM_BYTES : 0);
    if (header.payloadBytes > room) {
      this.#wrong = `its payload cannot have ${header.payloadBytes} bytes`;
      return;
    }
    const decoder = header.compression === 'zstd' ? (this.#zstd ??= new ZstdDecoder()) : this.#none;
    decoder.reset();
    // Inner events have no checksums, and no place of their own.
    const format: FormatDescription = { ...outer, checksum: 'none', relayLog: true };
    const events = new EventWalker({ sink: this, verifyChecksums: false, start: { format, offset: FIRST_OFFSET } });
    this.#open = { header, decoder, events, skip, missing: header.payloadBytes, decoded: 0, kept: 0 };
  }

  /** Takes the event's next bytes, its header first. Inner events are handed over meanwhile. */
  push(bytes: Buffer): void {
    const payload = this.#open;
    if (payload === null) return;
    const from = Math.min(payload.skip, bytes.length);
    const to = Math.min(bytes.length, from + payload.missing);
    payload.skip -= from;
    payload.missing -= to - from;
    this.isInside = true;
    this.#decode(payload, bytes.subarray(from, to));
    this.isInside = false;
    if (this.#wrong !== null) this.#open = null;
  }

  /** The event is whole. @returns what is wrong with it; null when every event in it was handed over */
  end(): string | null {
    const payload = this.#open;
    this.isOpen = false;
    this.#open = null;
    return this.#wrong ?? (payload === null ? null : leftOver(payload));
  }

  event(view: EventView): void {
    view.offset = this.#offset;
    if (UNFIT.has(view.type)) this.#wrong ??= `it holds an event of type ${view.type}`;
    if (this.ending !== null) this.#wrong ??= 'it holds events behind the end of its transaction';
    if (this.#wrong === null) this.#deliver(view);
    else this.#open?.events.stop();
  }

  begin(view: EventView): boolean {
    view.offset = this.#offset;
    return this.#large.begin(view, view.length - EVENT_HEADER_BYTES);
  }

  bytes(bytes: Buffer): void {
    this.#large.bytes(bytes);
  }

  problem({ problem }: BinlogProblem): void {
    this.#wrong ??= `inside it, ${problem}`;
  }

  format(): void {
    // Its event comes next, and is unfit.
  }

  #decode(payload: OpenPayload, stored: Buffer): void {
    const plain = (this.#plain ??= Buffer.allocUnsafeSlow(PLAIN_BYTES));
    let full = false; // then the decoder may hold back more
    for (let at = 0; (full || at < stored.length) && this.#wrong === null;) {
      const target = plain.subarray(payload.kept);
      const step = tryDecode(payload.decoder, target, stored.subarray(at));
      if (typeof step === 'string') {
        this.#wrong = step;
        return;
      }
      at += step.consumed;
      full = step.produced === target.length;
      this.#walk(payload, plain, step.produced);
    }
  }

  #walk(payload: OpenPayload, plain: Buffer, produced: number): void {
    payload.decoded += produced;
    if (payload.decoded > (payload.header.plainBytes ?? Infinity)) {
      this.#wrong ??= otherLength(payload);
      return;
    }
    const filled = payload.kept + produced;
    const walked = payload.events.walk(plain, 0, filled);
    this.#large.release(this.#offset); // the plain bytes are about to be overwritten
    plain.copyWithin(0, walked, filled);
    payload.kept = filled - walked;
  }
}

function tryDecode(
  decoder: PayloadDecoder,
  target: Buffer,
  source: Buffer,
): ReturnType<PayloadDecoder['decode']> | string {
  try {
    return decoder.decode(target, source);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function leftOver(payload: OpenPayload): string | null {
  const { header, decoder, events } = payload;
  if (decoder.unfinished) return 'its compressed bytes end too early';
  if (payload.kept > 0 || events.largeBytes > 0) return 'it ends inside an event';
  return payload.decoded === (header.plainBytes ?? payload.decoded) ? null : otherLength(payload);
}

function otherLength({ header, decoded }: OpenPayload): string {
  const least = decoded > (header.plainBytes ?? 0) ? 'at least ' : '';
  return `it says that it holds ${header.plainBytes ?? 0} bytes, and holds ${least}${decoded}`;
}

/** Of files, and of a group's beginning: no server writes them into the cache that becomes a payload. */
const UNFIT: ReadonlySet<number> = new Set([
  ...[EVENT.START_V3, EVENT.STOP, EVENT.ROTATE, EVENT.FORMAT_DESCRIPTION, EVENT.HEARTBEAT, EVENT.HEARTBEAT_V2],
  ...[EVENT.GTID, EVENT.ANONYMOUS_GTID, EVENT.GTID_TAGGED, EVENT.PREVIOUS_GTIDS, EVENT.TRANSACTION_PAYLOAD],
  ...[EVENT.MARIADB_GTID, EVENT.GTID_LIST, EVENT.BINLOG_CHECKPOINT, EVENT.START_ENCRYPTION],
]);
