import { inflateContent } from './compressed-content.ts';
import { EVENT, EVENT_FLAG, EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';
import type { QueryEvent } from './group.ts';

/** thread id 4, execution time 4, schema length 1, error code 2, status variables length 2. */
const POST_HEADER_BYTES = 13;
/** LOAD DATA: file id 4, where the file's name stands in the text 4 + 4, what to do with duplicates 1. */
const LOAD_HEADER_BYTES = 13;

/**
 * Reads a QUERY event, compressed ones and those of LOAD DATA too; null when its lengths contradict each other.
 * @param bodyEnd index in the view's buffer just after the body, checksum excluded
 */
export function parseQueryEvent(view: EventView, bodyEnd: number): QueryEvent | null {
  const { buffer } = view;
  const body = view.at + EVENT_HEADER_BYTES;
  const loadBytes = view.type === EVENT.EXECUTE_LOAD_QUERY ? LOAD_HEADER_BYTES : 0;
  if (body + POST_HEADER_BYTES + loadBytes > bodyEnd) return null;
  const schemaBytes = buffer.readUInt8(body + 8);
  const variables = body + POST_HEADER_BYTES + loadBytes;
  const schemaAt = variables + buffer.readUInt16LE(body + 11);
  const textAt = schemaAt + schemaBytes + 1;
  if (textAt > bodyEnd) return null;
  const head = { bytes: buffer.subarray(textAt, bodyEnd), truncated: view.available < view.length };
  const content = view.type === EVENT.QUERY_COMPRESSED ? inflateContent(head) : head;
  if (content === null) return null;
  const { sqlMode, clientCharset } = parseStatusVariables(buffer.subarray(variables, schemaAt));
  return {
    offset: view.offset,
    time: view.time,
    threadId: buffer.readUInt32LE(body),
    errorCode: buffer.readUInt16LE(body + 9),
    sqlMode,
    clientCharset,
    schema: buffer.toString('utf8', schemaAt, schemaAt + schemaBytes),
    threadSpecific: (view.flags & EVENT_FLAG.THREAD_SPECIFIC) !== 0,
    text: content.bytes,
    truncated: content.truncated,
  };
}

/** What kind of boundary a statement is, told from its first bytes alone. */
export type QueryRole = 'begin' | 'xa-start' | 'commit' | 'rollback' | 'statement';

const ROLES: readonly (readonly [string, QueryRole])[] = [
  ['BEGIN', 'begin'],
  ['COMMIT', 'commit'],
  ['ROLLBACK', 'rollback'],
];

/** Servers write BEGIN, COMMIT and ROLLBACK themselves, bare; ROLLBACK TO a savepoint is a statement. */
export function queryRole(text: Buffer): QueryRole {
  if (text.length > 8) return isXaStart(text) ? 'xa-start' : 'statement';
  const word = text.toString('latin1').toUpperCase();
  return ROLES.find(([name]) => name === word)?.[1] ?? 'statement';
}

const LETTER_X = 0x78;

function isXaStart(text: Buffer): boolean {
  const first = text[0] ?? 0;
  return (first | 0x20) === LETTER_X && /^xa\s+(start|begin)\s/i.test(text.toString('latin1', 0, 16));
}

/**
 * Sizes of the status variables that stand before the two wanted ones; a string has a length byte, a list of pairs their number.
 * Source: MySQL 8.4 libs/mysql/binlog/event/statement_events.h, Query_event_status_vars; MariaDB 11.5 and later write
 * Q_CHARACTER_SET_COLLATIONS, 131, before the character set.
 */
const SIZES: Readonly<Record<number, number | 'string' | 'string-z' | 'pairs'>> = {
  0: 4,
  1: 8,
  2: 'string-z',
  3: 4,
  4: 6,
  5: 'string',
  6: 'string',
  131: 'pairs',
};

const PAIR_BYTES = 4;

function parseStatusVariables(bytes: Buffer): { sqlMode: number; clientCharset: number | null } {
  let sqlMode = 0;
  for (let at = 0; at < bytes.length;) {
    const code = bytes.readUInt8(at);
    const size = SIZES[code];
    at += 1;
    const length = (bytes[at] ?? 0) * (size === 'pairs' ? PAIR_BYTES : 1);
    const width = typeof size === 'number' ? size : 1 + length + (size === 'string-z' ? 1 : 0);
    if (size === undefined || at + width > bytes.length) break;
    if (code === 1) sqlMode = bytes.readUInt32LE(at);
    if (code === 4) return { sqlMode, clientCharset: bytes.readUInt16LE(at) };
    at += width;
  }
  return { sqlMode, clientCharset: null };
}
