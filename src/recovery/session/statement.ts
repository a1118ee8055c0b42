import type { LoggedEvent } from './logged-events.ts';
import type { LoggedPlace } from './session-failure.ts';

/** One statement for the target. */
export interface Statement {
  readonly sql: Buffer;
  /** The log's own statement, for messages; null when it is one of ours. */
  readonly logged: { readonly text: Buffer; readonly sqlMode: number } | null;
  /** The error that its source met; 0 is none. */
  readonly expected: number;
  /** True when nothing may stand behind it in one command: its text must end where the command does. */
  readonly alone: boolean;
  readonly localFile?: () => AsyncIterable<Buffer>;
  /** True when none of the file's lines may be passed over. */
  readonly takesAllLines?: boolean;
  /** The TABLE_MAP events of the rows that it changes, and where the first one stands, for messages. */
  readonly rows?: { readonly maps: readonly LoggedEvent[]; readonly offset: number };
}

/** A statement, and where in the log it comes from. */
export interface PlacedStatement extends Statement {
  readonly place: LoggedPlace;
}

/** One of our own statements; it must not fail. */
export function own(sql: string | Buffer): Statement {
  return { sql: typeof sql === 'string' ? Buffer.from(sql) : sql, logged: null, expected: 0, alone: false };
}
