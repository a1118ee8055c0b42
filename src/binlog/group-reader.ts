import { CHECKSUM_BYTES } from './checksum.ts';
import { plainRows } from './compressed-rows.ts';
import { EVENT, EVENT_HEADER_BYTES } from './event-type.ts';
import type { BinlogProblem, EventSink, EventView, ProblemKind } from './event-view.ts';
import type { FormatDescription } from './format-description.ts';
import { isStandalone, isTransactional, parseGtidEvent, parseGtidList, parsePreviousGtids } from './gtid-event.ts';
import type { Gtid, GtidState } from './gtid.ts';
import { gtidExtras, isOnePhase, preparedPhase, xaEndingPhase, type GroupPhase } from './group-phase.ts';
import type { Group, GroupEnding, GroupVisitor } from './group.ts';
import { ENCRYPTED, endOf, isEncryption, rotationOf, type LogEnd, type Rotation } from './log-end.ts';
import { INSIDERS, isIgnorable, NO_TYPES, notKnown, ROLE, ROLES, ROWS_OPENERS } from './event-role.ts';
import { PayloadReader } from './payload-reader.ts';
import { parseQueryEvent, queryRole } from './query-event.ts';
import { RowQueue } from './row-queue.ts';
import { sourceNote } from './source-note.ts';

/** How the open group will end. `statement`: with its next statement; `transaction`: with XID, COMMIT, ROLLBACK or XA_PREPARE. */
type Awaiting = 'statement' | 'transaction';

/**
 * Puts events together into transaction groups, of both flavors and with or without GTIDs, and keeps the GTID
 * state. The same bytes give the same groups, wherever reading began.
 */
export class GroupReader implements EventSink {
  gtidStart: GtidState | null;
  gtidEnd: GtidState | null;
  groups = 0;
  /** Of whole groups and between them. */
  events = 0;
  end: LogEnd = 'open';
  /** What the file's last event says comes next, when that is a ROTATE. */
  rotation: Rotation | null = null;
  /** Offset just after the last event that is not inside an unfinished group. */
  wholeTo: number;
  readonly #visitor: GroupVisitor;
  readonly #report: (problem: BinlogProblem) => void;
  readonly #onFormat: ((format: FormatDescription) => void) | undefined;
  #format: FormatDescription | null = null;
  #checksumBytes = 0;

  // The open group; #start is -1 when there is none.
  #start = -1;
  #awaiting: Awaiting = 'statement';
  #gtid: Gtid | null = null;
  #time = 0;
  #serverId = 0;
  #threadId: number | null = null;
  #firstNumber = 0;
  #phase: GroupPhase | undefined;
  #transactional: boolean | undefined;

  readonly #rows: RowQueue;

  readonly #payload: PayloadReader;

  constructor(options: {
    visitor: GroupVisitor;
    onProblem(problem: BinlogProblem): void;
    onFormat?(format: FormatDescription): void;
    start?: { format: FormatDescription; offset: number; gtidState: GtidState | null };
  }) {
    this.#visitor = options.visitor;
    this.#rows = new RowQueue(options.visitor);
    this.#payload = new PayloadReader(this.#inner.bind(this), this.#rows);
    this.#report = options.onProblem.bind(options);
    this.#onFormat = options.onFormat?.bind(options);
    this.gtidStart = options.start?.gtidState ?? null;
    this.gtidEnd = this.gtidStart?.clone() ?? null;
    this.wholeTo = options.start?.offset ?? 0;
    if (options.start !== undefined) this.#setFormat(options.start.format);
  }

  format(format: FormatDescription, offset: number): void {
    if ((this.gtidEnd?.flavor ?? format.flavor) !== format.flavor) {
      this.gtidEnd = null;
      if (this.groups === 0) this.gtidStart = null;
      // A replica's relay log says first what the replica is, and then what its primary is.
      const problem = 'from here on it is the file of another server';
      if (!format.relayLog) this.#report({ kind: 'damage', offset, problem });
    }
    this.#setFormat(format);
    this.#onFormat?.(format);
  }

  problem(problem: BinlogProblem): void {
    this.#report(problem);
  }

  /** True while a group has begun and not ended. */
  get insideGroup(): boolean {
    return this.#start >= 0;
  }

  /** When the unfinished group began, seconds since 1970; null between groups. */
  get openGroupTime(): number | null {
    return this.insideGroup ? this.#time : null;
  }

  event(view: EventView): void {
    const role: number = ROLES[view.type] ?? ROLE.INSIDE;
    switch (role) {
      case ROLE.GTID:
        this.#begin(view);
        return;
      case ROLE.QUERY:
        this.#query(view);
        return;
      case ROLE.COMMIT:
        this.#finish(view, 'commit');
        return;
      case ROLE.PREPARE:
        this.#prepare(view);
        return;
      case ROLE.PAYLOAD:
        this.#payloadEnd(view);
        return;
      case ROLE.ROWS:
        if (this.#start < 0) this.#stray(view);
        this.#rows.event(view, this.#bodyEnd(view));
        return;
      case ROLE.INCIDENT:
        this.#incident(view);
        return;
      case ROLE.BETWEEN:
        this.#between(view);
        return;
      default:
        this.#other(view, role);
    }
  }

  get quiet(): Uint8Array {
    return this.#start < 0 ? NO_TYPES : this.#rows.quiet;
  }

  /** A payload, or rows, that are too large to hold are read as they come. */
  begin(view: EventView): boolean {
    if (view.type !== EVENT.TRANSACTION_PAYLOAD)
      return this.#rows.begin(view, view.length - EVENT_HEADER_BYTES - this.#checksumBytes);
    this.#payloadBegin(view);
    return true;
  }

  bytes(bytes: Buffer): void {
    if (this.#payload.isOpen) this.#payload.push(bytes);
    else this.#rows.bytes(bytes);
  }

  release(offset: number): void {
    this.#rows.release(offset);
  }

  #other(view: EventView, role: number): void {
    if (this.#start < 0) this.#stray(view);
    if (role === ROLE.COMPRESSED_ROWS) this.#compressedRows(view);
    if (role === ROLE.UNKNOWN && this.#start >= 0 && !isIgnorable(view))
      this.#unread(view, notKnown(view.type), 'unknown-type');
  }

  #compressedRows(view: EventView): void {
    const plain = plainRows(view, this.#bodyEnd(view));
    if (plain === null) this.#unread(view, 'the compressed rows cannot be read');
    else this.#rows.event(plain, plain.available);
  }

  #payloadBegin(view: EventView): void {
    if (this.#start < 0) this.#open(view, 'transaction');
    if (this.#format !== null) this.#payload.enter(view, this.#format);
  }

  /** Its transaction ends with it, also where its content cannot be read. */
  #payloadEnd(view: EventView): void {
    if (view.available === view.length) {
      this.#payloadBegin(view);
      this.#payload.push(view.buffer.subarray(view.at, view.at + view.length));
    }
    const wrong = this.#payload.end();
    if (wrong !== null) this.#unread(view, `the TRANSACTION_PAYLOAD event cannot be read: ${wrong}`);
    this.#finish(view, this.#payload.ending ?? 'commit');
  }

  /** An event of the payload: like any other, but that its bytes are no part of the file and have no checksum. */
  #inner(view: EventView): void {
    const checksumBytes = this.#checksumBytes;
    this.#checksumBytes = 0;
    this.event(view);
    this.#checksumBytes = checksumBytes;
  }

  #setFormat(format: FormatDescription): void {
    this.#format = format;
    this.#checksumBytes = format.checksum === 'crc32' ? CHECKSUM_BYTES : 0;
    this.#rows.format(format.flavor, this.#checksumBytes);
  }

  #begin(view: EventView): void {
    this.#abandon(view.offset, true);
    this.#open(view, 'statement');
    if (view.type === EVENT.ANONYMOUS_GTID) return;
    const gtid = parseGtidEvent(view, this.#bodyEnd(view));
    if (gtid === null || gtid.flavor !== this.#format?.flavor) {
      this.#problemAt(view, 'the GTID cannot be read');
      return;
    }
    this.#gtid = gtid;
    if (gtid.flavor !== 'mariadb') return;
    if (!isStandalone(view)) this.#awaiting = 'transaction';
    ({ phase: this.#phase, threadId: this.#threadId } = gtidExtras(view, this.#bodyEnd(view), gtid));
    this.#transactional = isTransactional(view);
  }

  #open(view: EventView, awaiting: Awaiting): void {
    this.#start = view.offset;
    this.#firstNumber = view.number;
    this.#rows.groupBegins(view);
    this.#awaiting = awaiting;
    this.#gtid = null;
    this.#time = view.time;
    this.#serverId = view.serverId;
    this.#threadId = null;
    this.#phase = undefined;
    this.#transactional = undefined;
  }

  #query(view: EventView): void {
    const query = parseQueryEvent(view, this.#bodyEnd(view));
    if (query === null) {
      this.#unread(view, 'the QUERY event contradicts itself');
      this.#statement(view);
      return;
    }
    const role = queryRole(query.text);
    if (role === 'begin' || role === 'xa-start') {
      if (this.#start < 0) this.#open(view, 'transaction');
      this.#awaiting = 'transaction';
      this.#threadId ??= query.threadId;
      return;
    }
    if (role !== 'statement' && this.#start >= 0) {
      this.#finish(view, role);
      return;
    }
    if (this.#start < 0) this.#open(view, 'statement');
    this.#threadId ??= query.threadId;
    this.#phase ??= xaEndingPhase(query.text);
    this.#rows.statementComes(view.offset);
    this.#visitor.query(query);
    this.#statement(view);
  }

  #prepare(view: EventView): void {
    const bodyEnd = this.#bodyEnd(view);
    const onePhase = isOnePhase(view, bodyEnd);
    if (!onePhase) this.#phase = preparedPhase(view, bodyEnd);
    this.#finish(view, onePhase ? 'commit' : 'prepare');
  }

  /** A statement ends a group that waits for one. */
  #statement(view: EventView): void {
    if (this.#start < 0) this.#open(view, 'statement');
    if (this.#awaiting === 'statement') this.#finish(view, 'statement');
  }

  #finish(view: EventView, ending: GroupEnding): void {
    if (this.#payload.isInside) {
      this.#payload.ending = ending;
      return;
    }
    if (this.#start < 0) this.#open(view, 'statement');
    this.#rows.groupEnds(view.offset);
    const group: Group = {
      start: this.#start,
      end: view.offset + view.length,
      gtid: this.#gtid,
      time: this.#time,
      serverId: this.#serverId,
      threadId: this.#threadId,
      events: view.number - this.#firstNumber + 1,
      ending,
      phase: this.#phase,
      transactional: this.#transactional,
    };
    this.#start = -1;
    this.groups += 1;
    this.events += group.events;
    this.wholeTo = group.end;
    this.#visitor.group(group, this.gtidEnd);
    if (group.gtid !== null) this.gtidEnd?.add(group.gtid);
  }

  /** Met outside of groups: it opens one where the source writes no GTIDs, if it is known to stand inside them. */
  #stray(view: EventView): void {
    if (isIgnorable(view) || !INSIDERS.has(view.type)) this.#between(view);
    else this.#open(view, ROWS_OPENERS.has(view.type) ? 'transaction' : 'statement');
  }

  /** With GTIDs, MySQL gives it one of its own. Source: MySQL 8.4 sql/binlog.cc, MYSQL_BIN_LOG::write_incident. */
  #incident(view: EventView): void {
    const problem = 'the source reports an incident: events may be missing here';
    this.#report({ kind: 'source-incident', offset: view.offset, problem });
    const note = sourceNote(view, { bodyEnd: this.#bodyEnd(view), inGroup: this.insideGroup });
    this.#visitor.sourceIncident?.(view.offset, view.offset + view.length, note);
    if (this.#start < 0) this.#between(view);
    else this.#statement(view);
  }

  #between(view: EventView): void {
    this.#abandon(view.offset, false);
    this.events += 1;
    this.wholeTo = view.offset + view.length;
    this.end = endOf(view);
    this.rotation = this.end === 'rotate' ? rotationOf(view, this.#bodyEnd(view)) : null;
    if (view.type === EVENT.GTID_LIST) this.#startState(view, parseGtidList(view, this.#bodyEnd(view)));
    else if (view.type === EVENT.PREVIOUS_GTIDS) this.#startState(view, parsePreviousGtids(view, this.#bodyEnd(view)));
    else if (isEncryption(view)) this.#report({ kind: 'unreadable', offset: view.offset, problem: ENCRYPTED });
  }

  #startState(view: EventView, state: GtidState | null): void {
    if (state === null || state.flavor !== this.#format?.flavor) {
      this.#problemAt(view, 'the GTID state of the file cannot be read');
      return;
    }
    if (this.gtidStart !== null || this.groups > 0) return;
    this.gtidStart = state;
    this.gtidEnd = state.clone();
  }

  /** The open group can no longer end: its source crashed while writing it, or its end is missing. */
  #abandon(at: number, isCut: boolean): void {
    if (this.#start < 0) return;
    this.#rows.groupEnds(at);
    this.#visitor.torn?.(this.#start, at, isCut);
    this.#start = -1;
  }

  #bodyEnd(view: EventView): number {
    const whole = view.available === view.length;
    return view.at + view.available - (whole ? this.#checksumBytes : 0);
  }

  /** With a checksum that is right the bytes are the source's own, only unknown to us: they are kept. */
  #unread(view: EventView, problem: string, what: ProblemKind = 'not-understood'): void {
    const kind = what === 'not-understood' && this.#checksumBytes === 0 ? 'damage' : what;
    this.#report({ kind, offset: view.offset, problem });
    this.#visitor.unread?.(view.offset);
  }

  #problemAt(view: EventView, problem: string): void {
    this.#report({ kind: 'damage', offset: view.offset, problem });
  }
}
