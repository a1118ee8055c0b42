import { CHECKSUM_BYTES } from './checksum.ts';
import { EVENT, EVENT_FLAG, EVENT_HEADER_BYTES } from './event-type.ts';
import type { BinlogProblem, EventSink, EventView } from './event-view.ts';
import type { FormatDescription } from './format-description.ts';
import { isOnePhase, isStandalone, parseGtidEvent, parseGtidList, parsePreviousGtids } from './gtid-event.ts';
import type { Flavor, Gtid, GtidState } from './gtid.ts';
import type { Group, GroupEnding, GroupVisitor } from './group.ts';
import { INSIDERS, ROLE, ROLES, ROWS_OPENERS } from './event-role.ts';
import { parseQueryEvent, queryRole } from './query-event.ts';

/** How the open group will end. `statement`: with its next statement; `transaction`: with XID, COMMIT, ROLLBACK or XA_PREPARE. */
type Awaiting = 'statement' | 'transaction';

/** rotate: the source went on in the next file · stop: clean shutdown · open: neither (yet). */
export type LogEnd = 'rotate' | 'stop' | 'open';

/** A ROTATE event at the end of a file: where it stands, and the name of the file that follows. */
export interface Rotation {
  readonly offset: number;
  readonly nextFile: string;
}

/** Before the name of the next file stands the position in it. */
const ROTATE_POSITION_BYTES = 8;

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
  #checksumBytes = 0;
  #flavor: Flavor = 'mysql';

  // The open group; #start is -1 when there is none.
  #start = -1;
  #awaiting: Awaiting = 'statement';
  #gtid: Gtid | null = null;
  #time = 0;
  #serverId = 0;
  #threadId: number | null = null;
  #events = 0;

  constructor(options: {
    visitor: GroupVisitor;
    onProblem(problem: BinlogProblem): void;
    onFormat?(format: FormatDescription): void;
    start?: { format: FormatDescription; offset: number; gtidState: GtidState | null };
  }) {
    this.#visitor = options.visitor;
    this.#report = options.onProblem.bind(options);
    this.#onFormat = options.onFormat?.bind(options);
    this.gtidStart = options.start?.gtidState ?? null;
    this.gtidEnd = this.gtidStart?.clone() ?? null;
    this.wholeTo = options.start?.offset ?? 0;
    if (options.start !== undefined) this.#setFormat(options.start.format);
  }

  format(format: FormatDescription): void {
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
    this.#events += 1;
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
        this.#finish(view, isOnePhase(view, this.#bodyEnd(view)) ? 'commit' : 'prepare');
        return;
      case ROLE.STATEMENT:
        this.#statement(view);
        return;
      case ROLE.INCIDENT:
        this.#incident(view);
        return;
      case ROLE.BETWEEN:
        this.#between(view);
        return;
      default:
        if (this.#start < 0) this.#stray(view);
    }
  }

  #setFormat(format: FormatDescription): void {
    this.#flavor = format.flavor;
    this.#checksumBytes = format.checksum === 'crc32' ? CHECKSUM_BYTES : 0;
  }

  #begin(view: EventView): void {
    this.#abandon(view.offset);
    this.#open(view, 'statement');
    if (view.type === EVENT.ANONYMOUS_GTID) return;
    const gtid = parseGtidEvent(view, this.#bodyEnd(view));
    if (gtid?.flavor !== this.#flavor) {
      this.#problemAt(view, 'the GTID cannot be read');
      return;
    }
    this.#gtid = gtid;
    if (gtid.flavor === 'mariadb' && !isStandalone(view)) this.#awaiting = 'transaction';
  }

  #open(view: EventView, awaiting: Awaiting): void {
    this.#start = view.offset;
    this.#awaiting = awaiting;
    this.#gtid = null;
    this.#time = view.time;
    this.#serverId = view.serverId;
    this.#threadId = null;
    this.#events = 1;
  }

  #query(view: EventView): void {
    const query = parseQueryEvent(view, this.#bodyEnd(view));
    if (query === null) {
      this.#problemAt(view, 'the QUERY event contradicts itself');
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
    this.#visitor.query(query);
    this.#statement(view);
  }

  /** A statement ends a group that waits for one. */
  #statement(view: EventView): void {
    if (this.#start < 0) this.#open(view, 'statement');
    if (this.#awaiting === 'statement') this.#finish(view, 'statement');
  }

  #finish(view: EventView, ending: GroupEnding): void {
    if (this.#start < 0) this.#open(view, 'statement');
    const end = view.offset + view.length;
    const group: Group = {
      start: this.#start,
      end,
      gtid: this.#gtid,
      time: this.#time,
      serverId: this.#serverId,
      threadId: this.#threadId,
      events: this.#events,
      ending,
    };
    this.#start = -1;
    this.groups += 1;
    this.events += this.#events;
    this.wholeTo = end;
    this.#visitor.group(group, this.gtidEnd);
    if (group.gtid !== null) this.gtidEnd?.add(group.gtid);
  }

  /** Met outside of groups: it opens one where the source writes no GTIDs, if it is known to stand inside them. */
  #stray(view: EventView): void {
    if ((view.flags & EVENT_FLAG.IGNORABLE) !== 0 || !INSIDERS.has(view.type)) this.#between(view);
    else this.#open(view, ROWS_OPENERS.has(view.type) ? 'transaction' : 'statement');
  }

  /** With GTIDs, MySQL gives it one of its own. Source: MySQL 8.4 sql/binlog.cc, MYSQL_BIN_LOG::write_incident. */
  #incident(view: EventView): void {
    const problem = 'the source reports an incident: events may be missing here';
    this.#report({ kind: 'source-incident', offset: view.offset, problem });
    this.#visitor.sourceIncident?.(view.offset, view.offset + view.length);
    if (this.#start < 0) this.#between(view);
    else this.#statement(view);
  }

  #between(view: EventView): void {
    this.#abandon(view.offset);
    this.events += 1;
    this.wholeTo = view.offset + view.length;
    this.end = endOf(view);
    this.rotation = this.end === 'rotate' ? this.#rotation(view) : null;
    if (view.type === EVENT.GTID_LIST) this.#startState(view, parseGtidList(view, this.#bodyEnd(view)));
    else if (view.type === EVENT.PREVIOUS_GTIDS) this.#startState(view, parsePreviousGtids(view, this.#bodyEnd(view)));
    else if (view.type === EVENT.START_ENCRYPTION) this.#encryption(view);
  }

  #rotation(view: EventView): Rotation {
    const name = view.at + EVENT_HEADER_BYTES + ROTATE_POSITION_BYTES;
    return { offset: view.offset, nextFile: view.buffer.toString('utf8', name, this.#bodyEnd(view)) };
  }

  /** A stream carries this event in plain text, marked ignorable; in a file on disk all that follows is encrypted. */
  #encryption(view: EventView): void {
    if ((view.flags & EVENT_FLAG.IGNORABLE) !== 0) return;
    const problem = 'the file is encrypted by its server: it cannot be read without the key';
    this.#report({ kind: 'unreadable', offset: view.offset, problem });
  }

  #startState(view: EventView, state: GtidState | null): void {
    if (state?.flavor !== this.#flavor) {
      this.#problemAt(view, 'the GTID state of the file cannot be read');
      return;
    }
    if (this.gtidStart !== null || this.groups > 0) return;
    this.gtidStart = state;
    this.gtidEnd = state.clone();
  }

  /** The open group can no longer end: its source crashed while writing it. */
  #abandon(at: number): void {
    if (this.#start < 0) return;
    this.#visitor.torn?.(this.#start, at);
    this.#start = -1;
  }

  #bodyEnd(view: EventView): number {
    const whole = view.available === view.length;
    return view.at + view.available - (whole ? this.#checksumBytes : 0);
  }

  #problemAt(view: EventView, problem: string): void {
    this.#report({ kind: 'damage', offset: view.offset, problem });
  }
}

function endOf(view: EventView): LogEnd {
  if (view.type === EVENT.STOP) return 'stop';
  return view.type === EVENT.ROTATE && (view.flags & EVENT_FLAG.ARTIFICIAL) === 0 ? 'rotate' : 'open';
}
