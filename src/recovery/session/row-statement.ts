import { encodeEvent } from '../../binlog/event-encoder.ts';
import { EVENT, EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import type { LoggedEvent } from './logged-events.ts';

/** Source: MySQL 8.4 libs/mysql/binlog/event/rows_event.h, Rows_event::STMT_END_F: behind the table's id. */
const STATEMENT_END_FLAG = 1;
const TABLE_ID_BYTES = 6;
/** Bytes of rows in one BINLOG statement, unless a single event has more. */
const PART_BYTES = 512 * 1024;

/**
 * Collects the TABLE_MAP and row events of one statement after the other for BINLOG statements. A large one is cut between its events:
 * each part has the tables anew, and ends like a statement. Checksums are left out, as the format sent before says.
 */
export class RowStatements {
  /** Of the statement that has not ended. */
  #tables: Buffer[] = [];
  #events: Buffer[] = [];
  #lastRows: Buffer | null = null;
  #bytes = 0;
  /** The TABLE_MAP events, and where the first event of all stands, for messages. */
  maps: LoggedEvent[] = [];
  offset = 0;

  /** True when there is something to take. */
  get hasRows(): boolean {
    return this.#lastRows !== null;
  }

  /** True when the event is to be kept apart from what was collected: together they would be too much. */
  isTooMuchWith({ at, bodyEnd }: LoggedEvent): boolean {
    return this.hasRows && this.#bytes + bodyEnd - at > PART_BYTES;
  }

  /** @returns true when it is enough for one BINLOG statement */
  add(event: LoggedEvent): boolean {
    const bytes = withoutChecksum(event);
    if (this.maps.length === 0) this.offset = event.offset;
    this.#events.push(bytes);
    if (event.type === EVENT.TABLE_MAP) {
      this.#tables.push(bytes);
      this.maps.push(event);
      return false;
    }
    this.#lastRows = bytes;
    this.#bytes += bytes.length;
    if ((bytes.readUInt16LE(FLAGS_AT) & STATEMENT_END_FLAG) !== 0) this.#tables = [];
    return this.#bytes >= PART_BYTES;
  }

  /** What was collected, whole events one behind the other. */
  take(): Buffer[] {
    const last = this.#lastRows;
    last?.writeUInt16LE(last.readUInt16LE(FLAGS_AT) | STATEMENT_END_FLAG, FLAGS_AT);
    const events = this.#events;
    this.#events = [...this.#tables];
    this.maps = this.maps.slice(this.maps.length - this.#tables.length);
    this.#lastRows = null;
    this.#bytes = 0;
    return events;
  }

  clear(): void {
    this.#tables = [];
    this.#events = [];
    this.#lastRows = null;
    this.#bytes = 0;
    this.maps = [];
  }
}

const TYPE_AT = 4;
const LENGTH_AT = 9;
const FLAGS_AT = EVENT_HEADER_BYTES + TABLE_ID_BYTES;

/** What was compressed says so no more. */
function withoutChecksum({ buffer, at, bodyEnd, type }: LoggedEvent): Buffer {
  const bytes = Buffer.from(buffer.subarray(at, bodyEnd));
  bytes.writeUInt8(type, TYPE_AT);
  bytes.writeUInt32LE(bytes.length, LENGTH_AT);
  return bytes;
}

/** Before the version's own: how many types it knows. */
const CREATED_AT = EVENT_HEADER_BYTES + 52;
/** Algorithm 1, checksum 4. */
const TRAILER_BYTES = 5;

/**
 * The FORMAT_DESCRIPTION event that says how the collected events are written: like the file's own, but without checksums, and not of a
 * server that just started, for which the target would drop its temporary tables.
 */
export function plainFormat(formatEvent: Buffer, checksumAware: boolean): Buffer {
  const body = Buffer.from(formatEvent.subarray(EVENT_HEADER_BYTES));
  body.writeUInt32LE(0, CREATED_AT - EVENT_HEADER_BYTES);
  const header = {
    type: EVENT.FORMAT_DESCRIPTION,
    serverId: formatEvent.readUInt32LE(5),
    endPosition: formatEvent.readUInt32LE(13),
    flags: 0,
    time: formatEvent.readUInt32LE(0),
  };
  if (!checksumAware) return encodeEvent(header, body, false);
  body[body.length - TRAILER_BYTES] = 0;
  return encodeEvent(header, body.subarray(0, -4), true);
}
