import { inflateSync } from 'node:zlib';
import { EVENT, EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import type { QueryEvent } from '../../binlog/group.ts';
import { parseQueryEvent } from '../../binlog/query-event.ts';
import type { LoggedEvent } from './logged-events.ts';

const MAX_TEXT_BYTES = 0x40000000;
/** thread 4, execution time 4; then length of the schema 1, error 2, length of the variables 2. */
const SCHEMA_LENGTH_AT = EVENT_HEADER_BYTES + 8;
const VARIABLES_LENGTH_AT = EVENT_HEADER_BYTES + 11;
const HEAD_BYTES = EVENT_HEADER_BYTES + 13;

/** Reads a QUERY event with its whole text, however long and however packed; null when it is damaged. */
export function parseWholeQuery(event: LoggedEvent): QueryEvent | null {
  const query = parseQueryEvent(event, event.bodyEnd);
  if (query?.truncated !== true) return query;
  const text = event.type === EVENT.QUERY_COMPRESSED ? inflateText(event) : null;
  return text === null ? null : { ...query, text, truncated: false };
}

/** A mark with the count of length bytes, the length, a zlib stream; see `inflateContent`, which gives heads only. */
function inflateText({ buffer, at, bodyEnd }: LoggedEvent): Buffer | null {
  const schema = buffer.readUInt8(at + SCHEMA_LENGTH_AT) + 1;
  const from = at + HEAD_BYTES + buffer.readUInt16LE(at + VARIABLES_LENGTH_AT) + schema;
  const streamAt = from + 1 + ((buffer[from] ?? 0) & 7);
  try {
    return inflateSync(buffer.subarray(streamAt, bodyEnd), { maxOutputLength: MAX_TEXT_BYTES });
  } catch {
    return null; // damaged: the caller says where
  }
}
