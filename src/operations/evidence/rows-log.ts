import { crc32 } from 'node:zlib';
import { CHECKSUM_BYTES } from '../../binlog/checksum.ts';
import { FIRST_EVENT_OFFSET } from '../../binlog/coordinates.ts';
import { encodeEvent } from '../../binlog/event-encoder.ts';
import { EVENT } from '../../binlog/event-type.ts';
import { parseFormatDescription } from '../../binlog/format-description.ts';
import type { ByteSource } from '../../binlog/read-binlog.ts';
import type { ServedIdentity, ServedRange } from '../../server/served-range.ts';

/** The name under which the log is served: no file has it. */
export const ROWS_FILE = 'rows.000001';
/** Ends the log: the first event of this type is behind all rows. */
const END_TYPE = EVENT.XID;
const END_BODY_BYTES = 8;

/** An event for the row decoder: a type, and the body behind its header. */
export interface ServedEvent {
  readonly type: number;
  readonly body: Buffer;
}

/** The decoder is shown a MySQL server: what it would do otherwise for MariaDB is done before, when the log is made. */
export const ROWS_IDENTITY: ServedIdentity = { flavor: 'mysql', serverVersion: '8.0.0', serverId: 1, gtidState: null };

/**
 * A binary log with nothing but tables and rows, made while it is read: its events come from `events`, in order. They have no
 * checksums and no end positions, as inside a transaction of MariaDB 11.4; the archive server serves it like any other file.
 *
 * @param formatEvent of the file that the events come from: says how long their parts are
 */
export function rowsLog(formatEvent: Buffer, events: AsyncIterable<ServedEvent>): ServedRange {
  const format = withoutChecksums(formatEvent);
  return {
    file: ROWS_FILE,
    from: FIRST_EVENT_OFFSET,
    to: Infinity,
    formatEvent: format,
    checksum: 'none',
    open: async () => await Promise.resolve(new EventSource(format, events)),
  };
}

/** The event says itself that it has no CRC behind it, and then has one all the same. */
function withoutChecksums(formatEvent: Buffer): Buffer {
  const event = Buffer.from(formatEvent);
  event.writeUInt32LE(FIRST_EVENT_OFFSET + event.length, 13);
  if (parseFormatDescription(event)?.checksumAware !== true) return event;
  event[event.length - CHECKSUM_BYTES - 1] = 0;
  event.writeUInt32LE(crc32(event.subarray(0, -CHECKSUM_BYTES)), event.length - CHECKSUM_BYTES);
  return event;
}

class EventSource implements ByteSource, AsyncDisposable {
  readonly #events: AsyncIterator<ServedEvent>;
  #rest: Buffer;
  #ended = false;

  constructor(format: Buffer, events: AsyncIterable<ServedEvent>) {
    this.#rest = format;
    this.#events = events[Symbol.asyncIterator]();
  }

  async read(target: Buffer, at: number): Promise<number> {
    if (this.#rest.length === 0) {
      if (this.#ended) return 0;
      this.#rest = await this.#next();
    }
    const taken = this.#rest.copy(target, at);
    this.#rest = this.#rest.subarray(taken);
    return taken;
  }

  async #next(): Promise<Buffer> {
    const next = await this.#events.next();
    this.#ended = next.done === true;
    const { type, body } = next.done === true ? { type: END_TYPE, body: Buffer.alloc(END_BODY_BYTES) } : next.value;
    return encodeEvent({ type, serverId: ROWS_IDENTITY.serverId, endPosition: 0, flags: 0 }, body, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#events.return?.();
  }
}
