import { crc32 } from 'node:zlib';
import { openSegment, readSegmentFormat } from '../../archive/read-segment.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import { CHECKSUM_BYTES } from '../../binlog/checksum.ts';
import { EVENT, EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import type { ByteSource } from '../../binlog/read-binlog.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { openPayload } from './payload-source.ts';

/** An event as it stands in the log, without its CRC. */
export interface WholeEvent {
  readonly type: number;
  /** Of an event inside a payload: that of the payload. */
  readonly offset: number;
  /** What follows the header; valid until the next event is asked for. */
  readonly body: Buffer;
}

/** `[start, end)` of one archived file, both at event boundaries. */
export interface LogPart {
  readonly segment: ArchivedSegment;
  readonly start: number;
  readonly end: number;
  /** The groups in it that count, in order; all when not given. */
  readonly groups?: readonly Span[];
}

/** `[start, end)`, bytes from the file's start. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const FIRST_BUFFER_BYTES = 1024 * 1024;
/** A server's own limit is max_allowed_packet, 1 GiB, plus headers; anything above is a damaged length. */
const MAX_EVENT_BYTES = 0x40000000 + 0x100000;

/**
 * Reads a part event by event, each one whole, those inside a TRANSACTION_PAYLOAD in its place: memory is as large as
 * the largest event.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED` when an event is cut or its CRC is wrong
 */
export async function* readWholeEvents({ segment, start, end, groups }: LogPart): AsyncGenerator<WholeEvent> {
  const { format } = await readSegmentFormat(segment);
  const trailer = format.checksum === 'crc32' ? CHECKSUM_BYTES : 0;
  const counts = memberOf(groups);
  await using source = await openSegment(segment, start);
  const bounds = { start, end, trailer, fail: (offset: number, what: string) => damaged(segment, offset, what) };
  for await (const event of splitEvents(source, bounds)) {
    if (!counts(event.offset)) continue;
    if (event.type === EVENT.TRANSACTION_PAYLOAD) yield* insideOf(event, segment);
    else yield event;
  }
}

/** Events in a payload have no CRC of their own. */
async function* insideOf({ body, offset }: WholeEvent, segment: ArchivedSegment): AsyncGenerator<WholeEvent> {
  const fail = (_at: number, what: string): LastgoodError => damaged(segment, offset, `inside a payload, ${what}`);
  const payload = openPayload(body);
  if (typeof payload === 'string') throw fail(offset, payload);
  for await (const event of splitEvents(payload, { start: 0, end: payload.plainBytes, trailer: 0, fail })) {
    yield { ...event, offset };
  }
}

interface Bounds {
  readonly start: number;
  readonly end: number;
  /** Bytes of the CRC behind each event. */
  readonly trailer: number;
  readonly fail: (offset: number, what: string) => Error;
}

async function* splitEvents(source: ByteSource, { start, end, trailer, fail }: Bounds): AsyncGenerator<WholeEvent> {
  const window = new ByteWindow(source);
  for (let offset = start; offset < end;) {
    const head = await window.peek(EVENT_HEADER_BYTES);
    const length = head?.readUInt32LE(9) ?? 0;
    if (length < EVENT_HEADER_BYTES + trailer || length > MAX_EVENT_BYTES || offset + length > end) {
      throw fail(offset, head === null ? 'an event is cut in two' : `an event cannot have ${length} bytes`);
    }
    const event = await window.peek(length);
    if (event === null) throw fail(offset, 'an event is cut in two');
    const body = length - trailer;
    if (trailer > 0 && crc32(event.subarray(0, body)) !== event.readUInt32LE(body)) {
      throw fail(offset, 'the CRC of the event is wrong');
    }
    yield { type: event[4] ?? 0, offset, body: event.subarray(EVENT_HEADER_BYTES, body) };
    window.skip(length);
    offset += length;
  }
}

/** The next bytes of a source, as many as are asked for at once. */
class ByteWindow {
  readonly #source: ByteSource;
  #buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES);
  #from = 0;
  #to = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** null when the source has not so many any more. */
  async peek(wanted: number): Promise<Buffer | null> {
    if (this.#from + wanted > this.#buffer.length) this.#makeRoom(wanted);
    while (this.#to - this.#from < wanted) {
      const read = await this.#source.read(this.#buffer, this.#to);
      if (read === 0) return null;
      this.#to += read;
    }
    return this.#buffer.subarray(this.#from, this.#from + wanted);
  }

  skip(bytes: number): void {
    this.#from += bytes;
  }

  #makeRoom(wanted: number): void {
    const target = wanted > this.#buffer.length ? Buffer.allocUnsafeSlow(wanted) : this.#buffer;
    this.#buffer.copy(target, 0, this.#from, this.#to);
    this.#buffer = target;
    this.#to -= this.#from;
    this.#from = 0;
  }
}

/** Tells whether an event is in one of the groups; asked in the order of the log. */
function memberOf(groups: readonly Span[] | undefined): (offset: number) => boolean {
  if (groups === undefined) return () => true;
  let at = 0;
  return (offset) => {
    while (at < groups.length && offset >= (groups[at]?.end ?? 0)) at += 1;
    return at < groups.length && offset >= (groups[at]?.start ?? 0);
  };
}

function damaged({ file, path }: ArchivedSegment, offset: number, what: string): LastgoodError {
  return new LastgoodError('ARCHIVE_DAMAGED', `cannot read ${file}:${offset}: ${what}`, { details: { path, offset } });
}
