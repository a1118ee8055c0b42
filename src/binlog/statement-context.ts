import { EVENT, EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';

/** An account as the log names it. */
export interface Invoker {
  readonly user: string;
  /** '' where the server does not say. */
  readonly host: string;
}

/** What a QUERY event says of the session that its statement ran in. What it does not say is undefined. */
export interface StatementContext {
  /** Options that are on, as bits; which of them the source writes depends on its version. */
  readonly flags2?: number;
  readonly sqlMode?: bigint;
  readonly autoIncrement?: { readonly increment: number; readonly offset: number };
  /** Collation ids. */
  readonly charset?: { readonly client: number; readonly connection: number; readonly server: number };
  /** Only where the statement depends on it. */
  readonly timeZone?: string;
  /** Number of the locale. */
  readonly lcTimeNames?: number;
  /** Collation id; only where it is not the one of the default schema. */
  readonly charsetDatabase?: number;
  /** Behind the header's seconds. */
  readonly microseconds?: number;
  /** Whom CURRENT_USER means. */
  readonly invoker?: Invoker;
  readonly explicitDefaultsForTimestamp?: boolean;
  /** Collation id. */
  readonly defaultCollationForUtf8mb4?: number;
  readonly requirePrimaryKey?: boolean;
  readonly defaultTableEncryption?: boolean;
  /** Pairs of collation ids: of a character set, and its default now. */
  readonly characterSetCollations?: readonly (readonly [charset: number, collation: number])[];
  /** Number of a variable that is not known: what stands behind it cannot be read. */
  readonly unknown?: number;
}

/** Before the variables: thread 4, execution time 4, length of the schema 1, error 2, length of the variables 2; of LOAD DATA 13 more. */
const HEAD_BYTES = 13;
const LOAD_HEAD_BYTES = 13;
/** More schemas than are listed. Source: MySQL 8.4 libs/mysql/binlog/event/binlog_event.h, OVER_MAX_DBS_IN_EVENT_MTS. */
const TOO_MANY_SCHEMAS = 254;

type Draft = { -readonly [Key in keyof StatementContext]: StatementContext[Key] };
type Reader = (bytes: ContextBytes, draft: Draft) => void;

/**
 * Source: MySQL 8.4 libs/mysql/binlog/event/statement_events.h, Query_event_status_vars; MariaDB 10.11 sql/log_event.h, Q_HRNOW
 * to Q_CHARACTER_SET_COLLATIONS.
 */
const READERS: Readonly<Record<number, Reader>> = {
  0: (bytes, draft) => (draft.flags2 = bytes.number(4)),
  1: (bytes, draft) => (draft.sqlMode = bytes.bigint()),
  2: (bytes) => void (bytes.text(), bytes.number(1)),
  3: (bytes, draft) => (draft.autoIncrement = { increment: bytes.number(2), offset: bytes.number(2) }),
  4: (bytes, draft) =>
    (draft.charset = { client: bytes.number(2), connection: bytes.number(2), server: bytes.number(2) }),
  5: (bytes, draft) => (draft.timeZone = bytes.text()),
  6: (bytes) => void bytes.text(),
  7: (bytes, draft) => (draft.lcTimeNames = bytes.number(2)),
  8: (bytes, draft) => (draft.charsetDatabase = bytes.number(2)),
  9: (bytes) => void bytes.bigint(),
  10: (bytes) => void bytes.number(4),
  11: (bytes, draft) => (draft.invoker = { user: bytes.text(), host: bytes.text() }),
  12: skipSchemas,
  13: (bytes, draft) => (draft.microseconds = bytes.number(3)),
  14: () => undefined,
  15: () => undefined,
  16: (bytes, draft) => (draft.explicitDefaultsForTimestamp = bytes.number(1) !== 0),
  17: (bytes) => void bytes.bigint(),
  18: (bytes, draft) => (draft.defaultCollationForUtf8mb4 = bytes.number(2)),
  19: (bytes, draft) => (draft.requirePrimaryKey = bytes.number(1) !== 0),
  20: (bytes, draft) => (draft.defaultTableEncryption = bytes.number(1) !== 0),
  128: (bytes, draft) => (draft.microseconds = bytes.number(3)),
  129: (bytes) => void bytes.bigint(),
  130: skipGtidFlags,
  131: (bytes, draft) => (draft.characterSetCollations = readCollations(bytes)),
};

/**
 * Reads the status variables of a QUERY or EXECUTE_LOAD_QUERY event; null when its lengths contradict each other.
 * @param bodyEnd index in the view's buffer just after the body, checksum excluded
 */
export function parseStatementContext({ buffer, at, type }: EventView, bodyEnd: number): StatementContext | null {
  const body = at + EVENT_HEADER_BYTES;
  const from = body + HEAD_BYTES + (type === EVENT.EXECUTE_LOAD_QUERY ? LOAD_HEAD_BYTES : 0);
  if (from > bodyEnd) return null;
  const to = from + buffer.readUInt16LE(body + 11);
  return to > bodyEnd ? null : readVariables(buffer.subarray(from, to));
}

function readVariables(variables: Buffer): StatementContext | null {
  const bytes = new ContextBytes(variables);
  const draft: Draft = {};
  while (!bytes.isEmpty) {
    const code = bytes.number(1);
    const read = READERS[code];
    if (read === undefined) return { ...draft, unknown: code };
    read(bytes, draft);
    if (bytes.overrun) return null;
  }
  return draft;
}

/** Of the schemas that the statement changes; their names end in a zero byte. */
function skipSchemas(bytes: ContextBytes): void {
  const count = bytes.number(1);
  if (count === TOO_MANY_SCHEMAS) return;
  for (let left = count; left > 0; left -= 1) bytes.skipTerminated();
}

/** Of a two-phase ALTER: in its second half the number of the first one follows. Source: MariaDB 10.11 sql/log_event_server.cc, Query_log_event::write. */
function skipGtidFlags(bytes: ContextBytes): void {
  const SECOND_HALF = 4 | 8;
  if ((bytes.number(1) & SECOND_HALF) !== 0) bytes.bigint();
}

/** Source: MariaDB 11.8 sql/charset_collations.h, Charset_collation_map_st::to_binary: a count, then pairs. */
function readCollations(bytes: ContextBytes): (readonly [number, number])[] {
  const count = bytes.number(1);
  return Array.from({ length: count }, () => [bytes.number(2), bytes.number(2)] as const);
}

/** Reads from front to back; behind the end everything is 0 and `overrun` is set. */
class ContextBytes {
  overrun = false;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at >= this.#bytes.length;
  }

  number(width: number): number {
    const at = this.#take(width);
    return at === null ? 0 : this.#bytes.readUIntLE(at, width);
  }

  bigint(): bigint {
    const at = this.#take(8);
    return at === null ? 0n : this.#bytes.readBigUInt64LE(at);
  }

  /** A length of one byte, then so many bytes. */
  text(): string {
    const length = this.number(1);
    const at = this.#take(length);
    return at === null ? '' : this.#bytes.toString('utf8', at, at + length);
  }

  skipTerminated(): void {
    const end = this.#bytes.indexOf(0, this.#at);
    this.#take(end === -1 ? Infinity : end + 1 - this.#at);
  }

  #take(width: number): number | null {
    const at = this.#at;
    this.#at += width;
    if (this.#at <= this.#bytes.length) return at;
    this.overrun = true;
    return null;
  }
}
