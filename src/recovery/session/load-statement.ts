import { EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import type { LoggedEvent } from './logged-events.ts';

/** Behind the head that all QUERY events have. */
const LOAD_HEAD_AT = EVENT_HEADER_BYTES + 13;
/** Source: MySQL 8.4 libs/mysql/binlog/event/load_data_events.h, enum_load_dup_handling. */
const DUPLICATES: Readonly<Record<number, string>> = { 1: ' IGNORE', 2: ' REPLACE' };

export interface LoadStatement {
  /** Which blocks are its file. */
  readonly fileId: number;
  readonly sql: Buffer;
  /** True when it had to fail where a line clashes with a row. */
  readonly isStrict: boolean;
}

/** Records, deleted, skipped, warnings: in every language of a server. */
const LOADED = /^\D*\d+\D+\d+\D+(\d+)\D+\d+$/;

/**
 * How many lines a LOAD DATA passed over. With LOCAL a server does so with those that clash, where it fails without.
 * Source: MySQL 8.4 manual, "LOAD DATA", "Duplicate-Key and Error Handling".
 *
 * @param info what the server says of the statement
 */
export function skippedLines(info: string): number {
  return Number(LOADED.exec(info)?.[1] ?? 0);
}

/**
 * The statement of an EXECUTE_LOAD_QUERY event, with a file of ours in the place of the source's; null when its places contradict
 * each other. Head: file 4, where `INFILE ... INTO` begins and ends in the text 4 + 4, what to do with duplicates 1.
 * Source: MariaDB 10.11 sql/log_event_server.cc, Execute_load_query_log_event::do_apply_event.
 */
export function loadStatement({ buffer, at }: LoggedEvent, text: Buffer): LoadStatement | null {
  const head = at + LOAD_HEAD_AT;
  const fileId = buffer.readUInt32LE(head);
  const from = buffer.readUInt32LE(head + 4);
  const to = buffer.readUInt32LE(head + 8);
  if (from > to || to > text.length) return null;
  const duplicates = DUPLICATES[buffer[head + 12] ?? 0];
  const file = Buffer.from(` LOCAL INFILE 'lastgood-${fileId}'${duplicates ?? ''} INTO `);
  return {
    fileId,
    isStrict: duplicates === undefined,
    sql: Buffer.concat([text.subarray(0, from), file, text.subarray(to)]),
  };
}
