import type { Value } from './result-packets.ts';
import type { ServedLog } from './served-range.ts';

/**
 * What a question is answered with. `unknown` is for questions no replica is known to ask; a `variable` that is not known is told
 * as servers tell it: replicas of newer versions ask for what older primaries have not, and go on without it.
 */
export type Answer =
  | { readonly kind: 'ok' }
  | { readonly kind: 'rows'; readonly columns: readonly string[]; readonly rows: readonly (readonly Value[])[] }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'unknown' };

const OK: Answer = { kind: 'ok' };
const UNKNOWN: Answer = { kind: 'unknown' };
const NANOSECONDS_PER_MILLISECOND = 1e6;
/** A timer that is to wait longer does not wait at all. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** Replicas ask short questions; the longest are GTID positions. */
const LONGEST_QUESTION = 60_000;
/** As many as a result's header counts in one byte. */
const MOST_COLUMNS = 250;
const VARIABLE = /^@@(?:GLOBAL\.|SESSION\.)?(\w+)$/i;

/**
 * Answers the questions a replica asks before it asks for the log. Keeps what it sets, one object per connection.
 * Source: MariaDB 10.11 sql/slave.cc and MySQL 8.4 sql/rpl_replica.cc, get_master_version_and_clock.
 */
export class ReplicaQuestions {
  readonly #globals: ReadonlyMap<string, Value>;
  readonly #gtidPositions: ReadonlyMap<string, string | null>;
  readonly #settings = new Map<string, Value>();

  constructor({ identity, ranges }: ServedLog) {
    const [first] = ranges;
    this.#globals = globalVariables(identity, first?.checksum ?? 'none');
    this.#gtidPositions = new Map(first === undefined ? [] : [[`${first.file}:${first.from}`, identity.gtidState]]);
  }

  answer(sql: string): Answer {
    if (sql.length > LONGEST_QUESTION) return UNKNOWN;
    const text = sql.trim().replace(/;$/, '');
    const set = /^SET\s+(.+)$/is.exec(text)?.[1];
    if (set !== undefined) return this.#set(set);
    const select = /^SELECT\s+(.+)$/is.exec(text)?.[1];
    if (select !== undefined) return this.#select(select);
    const variable = /^SHOW\s+(?:GLOBAL\s+)?VARIABLES\s+LIKE\s+'([^']*)'$/i.exec(text)?.[1]?.toLowerCase();
    return variable === undefined ? UNKNOWN : this.#show(variable);
  }

  /** False for a client that never said that it knows checksums: it would take them for parts of the events. */
  get knowsChecksums(): boolean {
    return this.#either('binlog_checksum') !== undefined;
  }

  /** The algorithm the client believes in until the first FORMAT_DESCRIPTION. */
  get checksum(): 'crc32' | 'none' {
    return /crc32/i.test(String(this.#either('binlog_checksum') ?? 'NONE')) ? 'crc32' : 'none';
  }

  /** 0: the client wants none. */
  get heartbeatMs(): number {
    const period = Math.round(Number(this.#either('heartbeat_period') ?? 0) / NANOSECONDS_PER_MILLISECOND);
    return period > 0 ? Math.min(period, LONGEST_TIMER_MS) : 0;
  }

  /** The GTID position from which a MariaDB replica in GTID mode asks; null when it asks by file and position. */
  get connectState(): string | null {
    const state = this.#settings.get('slave_connect_state');
    return state === undefined ? null : String(state ?? '');
  }

  /** Where the replica wants its source to end the log for it; null when it does not. */
  get untilState(): string | null {
    const state = this.#settings.get('slave_until_gtid');
    return state === undefined ? null : String(state ?? '');
  }

  /** MySQL has renamed master_ to source_ and sets both. */
  #either(name: string): Value | undefined {
    return this.#settings.get(`master_${name}`) ?? this.#settings.get(`source_${name}`);
  }

  #set(assignments: string): Answer {
    for (const assignment of splitList(assignments)) {
      const [, name, expression] = /^@(\w+)\s*:?=\s*(.*)$/s.exec(assignment) ?? [];
      if (name !== undefined) this.#settings.set(name.toLowerCase(), this.#evaluate(expression ?? '') ?? null);
    }
    return OK; // NAMES, session variables: nothing here depends on them
  }

  #select(list: string): Answer {
    const columns: string[] = [];
    const row: Value[] = [];
    const items = splitList(list);
    if (items.length > MOST_COLUMNS) return UNKNOWN;
    for (const item of items) {
      const [, expression = item, alias = item] = /^(.*?)\s+AS\s+(\w+)$/is.exec(item) ?? [];
      const value = this.#evaluate(expression);
      if (value === undefined) return unknown(expression);
      columns.push(alias);
      row.push(value);
    }
    return { kind: 'rows', columns, rows: [row] };
  }

  #show(variable: string): Answer {
    const value = this.#globals.get(variable);
    const rows = value === undefined ? [] : [[variable, value]];
    return { kind: 'rows', columns: ['Variable_name', 'Value'], rows };
  }

  /** undefined: not known. */
  #evaluate(expression: string): Value | undefined {
    const text = expression.trim();
    const literal = /^'(.*)'$|^(-?\d+(?:\.\d+)?)$/s.exec(text);
    if (literal !== null) return literal[1] ?? literal[2];
    if (/^UNIX_TIMESTAMP\(\)$/i.test(text)) return Math.floor(Date.now() / 1000);
    if (/^VERSION\(\)$/i.test(text)) return this.#globals.get('version');
    const variable = VARIABLE.exec(text)?.[1];
    if (variable !== undefined) return this.#globals.get(variable.toLowerCase());
    const setting = /^@(\w+)$/.exec(text)?.[1];
    if (setting !== undefined) return this.#settings.get(setting.toLowerCase()) ?? null;
    const place = /^binlog_gtid_pos\('([^']*)',\s*(\d+)\)$/i.exec(text);
    return place === null ? undefined : (this.#gtidPositions.get(`${place[1]}:${place[2]}`) ?? null);
  }
}

function unknown(expression: string): Answer {
  const name = VARIABLE.exec(expression.trim())?.[1];
  return name === undefined ? UNKNOWN : { kind: 'variable', name };
}

function globalVariables(identity: ServedLog['identity'], checksum: 'crc32' | 'none'): ReadonlyMap<string, Value> {
  const everywhere: [string, Value][] = [
    ['version', identity.serverVersion],
    ['server_id', identity.serverId],
    ['log_bin', 1],
    ['binlog_checksum', checksum === 'crc32' ? 'CRC32' : 'NONE'],
  ];
  if (identity.flavor === 'mariadb') return new Map([...everywhere, ['gtid_domain_id', 0]]);
  const { serverUuid = '', gtidMode = 'OFF' } = identity;
  return new Map([...everywhere, ['server_uuid', serverUuid], ['gtid_mode', gtidMode]]);
}

/** Splits at commas outside quotes and parentheses. */
function splitList(list: string): string[] {
  return (list.match(/(?:'[^']*'|\([^)]*\)|[^,'(])+/g) ?? []).map((item) => item.trim());
}
