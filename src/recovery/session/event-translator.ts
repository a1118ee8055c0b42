import { plainRows } from '../../binlog/compressed-rows.ts';
import { isIgnorable } from '../../binlog/event-role.ts';
import { EVENT, EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import type { FormatDescription } from '../../binlog/format-description.ts';
import { isOnePhase, preparedPhase } from '../../binlog/group-phase.ts';
import { sourceNote } from '../../binlog/source-note.ts';
import type { LastgoodError } from '../../platform/errors.ts';
import { binlogSql } from './binlog-sql.ts';
import type { LoggedEvent } from './logged-events.ts';
import { openGroup, type OpenGroup } from './open-group.ts';
import { QueryTranslator } from './query-translator.ts';
import { plainFormat, RowStatements } from './row-statement.ts';
import { sessionFailure, thingOf, type LoggedThing } from './session-failure.ts';
import type { SessionState } from './session-state.ts';
import { own, type PlacedStatement, type Statement } from './statement.ts';
import type { TranslatorOptions } from './translator-options.ts';
import { userVariableSql } from './user-variable.ts';

/** Where a range's events stand, and how they are written. */
export interface TranslatedFile {
  readonly file: string;
  readonly format: FormatDescription;
  readonly formatEvent: Buffer;
}

type Handler = (event: LoggedEvent) => readonly Statement[] | Promise<readonly Statement[]>;

/**
 * Turns events into the statements that do the same on the target, and keeps what one of them says for those behind it. One for each
 * session: a new one begins with an empty `state`.
 */
export class EventTranslator {
  readonly #options: TranslatorOptions;
  readonly #state: SessionState;
  readonly #rows = new RowStatements();
  readonly #queries: QueryTranslator;
  #file: TranslatedFile | null = null;
  #group: OpenGroup = { start: 0, gtid: null, begin: null, idle: false };
  /** The format that the session was told for row events. */
  #format: Buffer | null = null;
  readonly #handlers: Readonly<Record<number, Handler>>;

  constructor(options: TranslatorOptions, state: SessionState) {
    this.#options = options;
    this.#state = state;
    this.#queries = new QueryTranslator(options, state, (event, why) => this.#failure(event, why));
    this.#handlers = this.#makeHandlers();
  }

  /** Another range begins. */
  enter(file: TranslatedFile): void {
    this.#file = file;
    this.#queries.source = file.format;
  }

  /** The statements of one event, in order. @throws LastgoodError `TOOL_FAILED` for what a session cannot do */
  translate(event: LoggedEvent): PlacedStatement[] | Promise<PlacedStatement[]> {
    const begin = event.opens ? this.#open(event) : NOTHING;
    if (this.#group.idle) return this.#whole(event, begin);
    const before = this.#rows.hasRows && !IS_ROWS.has(event.type) ? this.#takeRows(event) : begin;
    const handler = this.#handlers[event.type];
    const statements = handler === undefined ? this.#unknown(event) : handler(event);
    if (isList(statements)) return this.#whole(event, before.length === 0 ? statements : [...before, ...statements]);
    return statements.then((late) => this.#whole(event, [...before, ...late]));
  }

  #whole(event: LoggedEvent, statements: readonly Statement[]): PlacedStatement[] {
    const { packetBytes } = this.#options.limits;
    for (const { sql } of statements) if (sql.length >= packetBytes) throw this.#tooLarge(event, sql.length);
    // Something has to be answered before the group counts.
    return this.placed(event, event.closes !== null && statements.length === 0 ? [own('DO 0')] : statements);
  }

  /** Says where statements come from: an event of the group that was begun last. */
  placed({ offset }: LoggedEvent, statements: readonly Statement[]): PlacedStatement[] {
    if (statements.length === 0) return [];
    const { file, format } = this.#entered();
    const { start: groupStart, gtid } = this.#group;
    const place = { file, offset, groupStart, gtid, format };
    return statements.map((statement) => {
      const { rows } = statement;
      return { ...statement, place: rows === undefined ? place : { ...place, offset: rows.offset } };
    });
  }

  #failure(event: LoggedEvent, why: string, thing: LoggedThing = null): LastgoodError {
    const { file, format } = this.#entered();
    const { start: groupStart, gtid } = this.#group;
    return sessionFailure({ file, offset: event.offset, groupStart, gtid, format }, why, { thing });
  }

  #tooLarge(event: LoggedEvent, bytes: number, thing: LoggedThing = null): LastgoodError {
    const { packetBytes } = this.#options.limits;
    const why = `it takes a command of ${bytes} bytes, and the target's max_allowed_packet is ${packetBytes}`;
    return this.#failure(event, why, thing);
  }

  #entered(): TranslatedFile {
    if (this.#file === null) throw new Error('no range was entered');
    return this.#file;
  }

  #open(event: LoggedEvent): Statement[] {
    const { gtids } = this.#options;
    const undo = event.afterTorn ? ['ROLLBACK'] : [];
    this.#rows.clear();
    this.#group = openGroup(event);
    const { gtid, begin } = this.#group;
    const variables = this.#state.change(gtids.variables(gtid, event.serverId));
    const opening = gtids.opening(gtid);
    return [...undo, variables, opening, begin].flatMap((sql) => (sql === null ? [] : [own(sql)]));
  }

  #makeHandlers(): Readonly<Record<number, Handler>> {
    const queries = this.#queries;
    const nothing: Handler = () => [];
    const query: Handler = (event) => queries.translate(event);
    const rows: Handler = (event) => this.#row(event);
    const load: Handler = async (event) => {
      await this.#options.files.take(event);
      return [];
    };
    const refuse: Handler = (event) => this.#unknown(event);
    return {
      ...record(HARMLESS_TYPES, nothing),
      ...record([EVENT.QUERY, EVENT.QUERY_COMPRESSED, EVENT.EXECUTE_LOAD_QUERY], query),
      ...record(ROW_TYPES, rows),
      ...record(COMPRESSED_ROW_TYPES, (event) => this.#row(this.#opened(event))),
      ...record([EVENT.BEGIN_LOAD_QUERY, EVENT.APPEND_BLOCK, EVENT.DELETE_FILE], load),
      ...record([EVENT.TRANSACTION_PAYLOAD], refuse),
      [EVENT.XID]: () => [own('COMMIT')],
      [EVENT.XA_PREPARE]: (event) => this.#prepare(event),
      [EVENT.INTVAR]: (event) => this.#intvar(event),
      [EVENT.RAND]: (event) => this.#rand(event),
      [EVENT.USER_VAR]: (event) => this.#userVariable(event),
      [EVENT.INCIDENT]: (event) => this.#incident(event),
    };
  }

  #row(event: LoggedEvent): readonly Statement[] {
    const before = this.#rows.isTooMuchWith(event) ? this.#takeRows(event) : NOTHING;
    return this.#rows.add(event) ? [...before, ...this.#takeRows(event)] : before;
  }

  /** Rows wait for what comes behind them: those of several statements go together. */
  #takeRows(event: LoggedEvent): readonly Statement[] {
    const { flavor, limits } = this.#options;
    const { maps, offset } = this.#rows;
    const sql = binlogSql(this.#rows.take(), limits.packetBytes, flavor === 'mariadb');
    if (typeof sql === 'number') throw this.#tooLarge(event, sql, thingOf(maps));
    const rows = { maps, offset };
    return [...this.#describeFormat(), ...sql.map((text) => ({ ...own(text), rows }))];
  }

  /** BINLOG statements take no compressed events. Seen on MariaDB 10.11.19. */
  #opened(event: LoggedEvent): LoggedEvent {
    const plain = plainRows(event, event.bodyEnd, MAX_ROWS_BYTES);
    if (plain === null) throw this.#failure(event, 'the compressed rows cannot be read');
    return { ...event, ...plain, bodyEnd: plain.available };
  }

  #describeFormat(): Statement[] {
    const { formatEvent, format } = this.#entered();
    const plain = plainFormat(formatEvent, format.checksumAware);
    if (this.#format?.equals(plain) === true) return [];
    this.#format = plain;
    return [own(`BINLOG '${plain.toString('base64')}'`)];
  }

  #prepare(event: LoggedEvent): Statement[] {
    const id = preparedPhase(event, event.bodyEnd)?.key;
    if (id === undefined) throw this.#failure(event, 'the id of the XA transaction cannot be read');
    const xid = id.replace(/^XA /, '');
    return [own(isOnePhase(event, event.bodyEnd) ? `XA COMMIT ${xid} ONE PHASE` : `XA PREPARE ${xid}`)];
  }

  /** Type 1, value 8. Source: MySQL 8.4 libs/mysql/binlog/event/statement_events.h, Intvar_event: 1 is LAST_INSERT_ID, 2 INSERT_ID. */
  #intvar({ buffer, at }: LoggedEvent): Statement[] {
    const body = at + EVENT_HEADER_BYTES;
    const name = buffer[body] === 1 ? 'last_insert_id' : 'insert_id';
    return [own(`SET @@session.${name}=${buffer.readBigUInt64LE(body + 1)}`)];
  }

  /** Two seeds of 8 bytes. */
  #rand(event: LoggedEvent): Statement[] {
    const body = event.at + EVENT_HEADER_BYTES;
    const [first, second] = [event.buffer.readBigUInt64LE(body), event.buffer.readBigUInt64LE(body + 8)];
    return [own(`SET @@session.rand_seed1=${first},@@session.rand_seed2=${second}`)];
  }

  /** Names are in utf8, values say themselves in what they are. */
  #userVariable(event: LoggedEvent): Statement[] {
    const sql = userVariableSql(event, this.#options.limits.collations);
    if (sql === null)
      throw this.#failure(event, 'the target does not know the type or the collation of a user variable');
    const charset = this.#state.change(this.#queries.utf8For(sql));
    return [charset, sql].flatMap((text) => (text === null ? [] : [own(text)]));
  }

  #incident(event: LoggedEvent): never {
    const { message } = sourceNote(event, { bodyEnd: event.bodyEnd, inGroup: false });
    throw this.#failure(event, `the source says itself that events may be missing here: ${message}`);
  }

  #unknown(event: LoggedEvent): readonly Statement[] {
    if (isIgnorable(event)) return [];
    throw this.#failure(event, `a session cannot execute events of type ${event.type}`);
  }
}

const NOTHING: readonly Statement[] = [];

function isList(statements: readonly Statement[] | Promise<readonly Statement[]>): statements is readonly Statement[] {
  return Array.isArray(statements);
}

function record(types: readonly number[], handler: Handler): Record<number, Handler> {
  return Object.fromEntries(types.map((type) => [type, handler]));
}

/** Of files, of groups' beginnings, which `opens` has dealt with, and notes: 36 and 37 of group replication, 100 is Aurora's padding. */
const HARMLESS_TYPES = [
  ...[EVENT.STOP, EVENT.ROTATE, EVENT.FORMAT_DESCRIPTION, EVENT.HEARTBEAT, EVENT.HEARTBEAT_V2, EVENT.PREVIOUS_GTIDS],
  ...[EVENT.ROWS_QUERY, EVENT.GTID, EVENT.ANONYMOUS_GTID, EVENT.GTID_TAGGED, EVENT.ANNOTATE_ROWS, EVENT.MARIADB_GTID],
  ...[EVENT.BINLOG_CHECKPOINT, EVENT.GTID_LIST, EVENT.START_ENCRYPTION, 36, 37, 100],
];
const ROW_TYPES = [EVENT.TABLE_MAP, 20, 21, 22, 23, 24, 25, 30, 31, 32, 39];
/** MariaDB's log_bin_compress. */
const COMPRESSED_ROW_TYPES = [166, 167, 168, 169, 170, 171];
/** The largest packet, and with it the largest event. */
const MAX_ROWS_BYTES = 0x40000000;
/** Between them nothing is executed. */
const IS_ROWS: ReadonlySet<number> = new Set([...ROW_TYPES, ...COMPRESSED_ROW_TYPES]);
