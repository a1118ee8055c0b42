/**
 * The incident room's door. Enters: transaction groups, in log order, across files. Leaves: incidents, each a
 * destructive group with the last good group before it. Must not know where groups come from or where incidents go.
 */

import type { FormatDescription } from '../binlog/format-description.ts';
import { FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { formatGtid } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import type { Group, GroupVisitor, QueryEvent, RowChange, SourceNote, TableName } from '../binlog/group.ts';
import { formatSeconds } from '../platform/time.ts';
import { classify } from './classify.ts';
import { DeleteLoops, LOOP_FLOORS, loopKey } from './delete-loops.ts';
import { sourceOf, type Source } from './dialect.ts';
import { FirstHalves } from './first-halves.ts';
import { GroupParts } from './group-parts.ts';
import { incidentId, lastGoodAt, type Incident, type LastGood } from './incident.ts';
import type { LoopPiece } from './loop-borders.ts';
import { MASS_FLOORS, massParts, rowFields } from './mass-changes.ts';
import { combine, partOfNote, partOfStatement, UNREAD, type Part } from './part.ts';
import { RowChanges, type GroupRows, type RowsSoFar } from './row-changes.ts';
import { savepointStep, Savepoints } from './savepoints.ts';
import { EVERY_ALTER, type Settlement } from './settlement.ts';
import type { Ending } from './state.ts';
import { TemporaryTables } from './temporary-tables.ts';

/** Where a group stood and who wrote it; a torn one has no more than that. */
type Place = Pick<Group, 'start' | 'end' | 'gtid' | 'time' | 'serverId'>;

/** What an incident is made of, beside its parts. */
interface Surroundings {
  readonly place: Place;
  readonly end: Ending;
  readonly lastGood: LastGood;
  readonly rows: GroupRows | null;
}

/** Told of what is found, during `group`, `torn`, `sourceIncident` or `enterFile`, in log order. */
export interface FinderListener {
  /** Once for each destructive group. */
  found(incident: Incident): void;
  /** An incident goes on in a later group of its file: this takes the place of what was found before. */
  grown?(incident: Incident): void;
  /** A group ended what an incident began: one found before, or one of an earlier file. `settle` puts both together. */
  settled?(settlement: Settlement): void;
}

/** Finds incidents while a log is read. `enterFile` comes before the groups of each file, once or more. */
export class IncidentFinder implements GroupVisitor {
  readonly #lineage: string | null;
  readonly #listener: FinderListener;
  readonly #firstHalves = new FirstHalves();
  #source: Source = { flavor: 'mysql', version: Infinity };
  #file = '';
  #format: Pick<FormatDescription, 'serverId' | 'time'> = { serverId: 0, time: 0 };
  /** Something of the group that has not ended yet was handed over. Of nearly all groups nothing is. */
  #isTouched = false;
  readonly #parts = new GroupParts();
  readonly #rows = new RowChanges();
  readonly #loops = new DeleteLoops();
  readonly #temporary = new TemporaryTables();
  readonly #isTemporary = this.#temporary.has.bind(this.#temporary);
  readonly #savepoints = new Savepoints<{ parts: number; rows: RowsSoFar }>();
  /** The newest group and its file; before there is one, what the caller knows. */
  #last: Group | null = null;
  #lastFile = '';
  readonly #before: LastGood | null;

  /** @param options.last the newest group of the log before the first file */
  constructor(options: FinderListener & { lineage: string | null; last?: LastGood | null }) {
    this.#lineage = options.lineage;
    this.#listener = options;
    this.#before = options.last ?? null;
  }

  /** The groups that follow are of this file, written as its format says. */
  enterFile(file: string, format: FormatDescription): void {
    this.#file = file;
    this.#forgetGroup(); // the file before ended inside it: it is torn, and counts for nothing
    this.#source = sourceOf(format);
    this.#format = format;
    this.#loops.clear(); // so that a file gives the same incidents whether or not others are read before it
    this.#temporary.clear();
    if (format.flavor === 'mariadb' && format.createdAt !== 0 && !format.relayLog) this.#serverStarted(format);
  }

  /** Loops of deletes that reach the file's start or what is read of its end: the files beside may have more of them. */
  get loopPieces(): readonly LoopPiece[] {
    return this.#loops.pieces;
  }

  query(query: QueryEvent): void {
    this.#isTouched = true;
    this.#temporary.query(query, this.#source);
    const destruction = classify(query, this.#source, this.#isTemporary);
    if (destruction !== null) this.#parts.add(partOfStatement(destruction, query));
    else this.#savepoint(query);
  }

  wantsRows(deleted: number, updated: number): boolean {
    const isMuch = deleted >= LOOP_FLOORS.deleted || updated >= LOOP_FLOORS.updated;
    return isMuch || this.#parts.count > 0 || this.#loops.isAnyOpen;
  }

  rows(change: RowChange): void {
    this.#isTouched = true;
    this.#rows.rows(change);
  }

  annotation(bytes: Buffer, from: number, to: number): void {
    this.#isTouched = true;
    this.#rows.annotation(bytes, from, to);
  }

  cascade(child: TableName | null): void {
    this.#isTouched = true;
    this.#rows.cascade(child);
  }

  release(): void {
    this.#rows.release();
  }

  group(group: Group, before: GtidState | null): void {
    this.#loops.groupEnded(group);
    this.#temporary.groupEnded(group);
    if (this.#isTouched || group.phase !== undefined) this.#endTouched(group, before);
    this.#last = group;
    this.#lastFile = this.#file;
  }

  #endTouched(group: Group, before: GtidState | null): void {
    const rows = this.#rows.take({ anything: this.#parts.count > 0 || this.#loops.isAnyOpen });
    if (rows === null) this.#end(group, { rows, before });
    else this.#endWithRows(group, { rows, before });
  }

  /** Its changes of rows are a part of it, unless they go on with a loop of deletes that is an incident already. */
  #endWithRows(group: Group, { rows, before }: { rows: GroupRows; before: GtidState | null }): void {
    const key = this.#parts.count > 0 ? null : loopKey(group, rows, this.#source);
    const loop = key === null ? null : this.#loops.join(key, rows, group);
    if (loop !== null) {
      this.#forgetGroup();
      if (!loop.isMass) return;
      if (loop.wasMass) this.#listener.grown?.(loop.incident);
      else this.#listener.found(loop.incident);
      return;
    }
    const floors = key === null ? MASS_FLOORS : LOOP_FLOORS;
    for (const part of massParts(rows, { threadId: group.threadId, source: this.#source, floors }))
      this.#parts.add(part);
    const isMass = key === null || rows.deleted >= MASS_FLOORS.deleted;
    const incident = this.#end(group, { rows, before, isSilent: !isMass });
    if (key !== null && incident !== null) this.#loops.begin(key, incident, group);
  }

  #end(group: Group, o: { rows: GroupRows | null; before: GtidState | null; isSilent?: boolean }): Incident | null {
    const parts = this.#endParts(group);
    if (parts.length === 0) return null;
    const lastGood = this.#lastGood(group.start, o.before);
    const incident = this.#incident(parts, { place: group, end: group, lastGood, rows: o.rows });
    if (incident !== null && o.isSilent !== true) this.#listener.found(incident);
    return incident;
  }

  torn(start: number, end: number, isCut = false): void {
    const rows = this.#rows.take({ anything: this.#parts.count > 0 });
    for (const part of rows === null ? [] : massParts(rows, { threadId: null, source: this.#source }))
      this.#parts.add(part);
    const parts = this.#takeParts();
    if (parts.length === 0) return;
    const { serverId } = this.#format;
    const place = { start, end, gtid: null, time: this.#last?.time ?? this.#format.time, serverId };
    this.#report(parts, {
      place,
      end: { ending: isCut ? 'cut' : 'torn' },
      lastGood: this.#lastGood(start, null),
      rows,
    });
  }

  unread(): void {
    this.#isTouched = true;
    if (!this.#parts.includes(UNREAD)) this.#parts.add(UNREAD);
  }

  sourceIncident(start: number, end: number, note: SourceNote): void {
    this.#isTouched = true;
    this.#parts.add(partOfNote(note));
    if (note.inGroup) return;
    const place = { start, end, gtid: null, time: note.time, serverId: note.serverId };
    const lastGood = this.#lastGood(start, null);
    this.#report(this.#takeParts(), { place, end: { ending: 'statement' }, lastGood, rows: null });
  }

  #forgetGroup(): void {
    this.#isTouched = false;
    this.#parts.clear();
    this.#rows.clear();
    this.#savepoints.clear();
    this.#temporary.groupBegins();
  }

  #takeParts(): readonly Part[] {
    const parts = this.#parts.take();
    this.#forgetGroup();
    return parts;
  }

  #savepoint({ text }: QueryEvent): void {
    const step = savepointStep(text);
    if (step === null) return;
    if (step.to === 'set') {
      this.#savepoints.set(step.name, { parts: this.#parts.mark(), rows: this.#rows.soFar });
      return;
    }
    const mark = this.#savepoints.get(step.name);
    if (mark === null) return;
    this.#parts.undoFrom(mark.parts);
    this.#rows.backTo(mark.rows);
  }

  /** What the group destroys by itself: its second half repeats the text of the first. */
  #endParts(group: Group): readonly Part[] {
    const parts = this.#takeParts();
    const { phase } = group;
    if (phase === undefined) return parts;
    if (phase.step === 'begun') {
      this.#firstHalves.begun(phase.key, parts.length > 0);
      return parts;
    }
    const wasIncident = this.#firstHalves.end(phase.key);
    if (wasIncident !== false) this.#settled(phase.key, phase.step === 'commit' ? 'effective' : 'rolled-back', group);
    return wasIncident === null ? parts : [];
  }

  /** An ALTER that had begun before a server's crash was undone by it; nothing in the log says so but the new start. */
  #serverStarted({ time, length }: FormatDescription): void {
    const end = FIRST_EVENT_OFFSET + length;
    this.#settled(EVERY_ALTER, 'rolled-back', { start: FIRST_EVENT_OFFSET, end, gtid: null, time });
  }

  #settled(
    key: string,
    state: Settlement['state'],
    { start, end, gtid, time }: Pick<Group, 'start' | 'end' | 'gtid' | 'time'>,
  ): void {
    this.#listener.settled?.({
      key,
      state,
      file: this.#file,
      start,
      end,
      gtid: gtid === null ? null : formatGtid(gtid),
      time: formatSeconds(time),
    });
  }

  #report(parts: readonly Part[], around: Surroundings): void {
    const incident = this.#incident(parts, around);
    if (incident !== null) this.#listener.found(incident);
  }

  #incident(parts: readonly Part[], { place, end, lastGood, rows }: Surroundings): Incident | null {
    const whole = combine(parts, end);
    if (whole === null) return null;
    const at = { lineage: this.#lineage, file: this.#file, start: place.start };
    const { kind, state, suspicious, objects, statement, threadId, time } = whole;
    return {
      id: incidentId(at),
      kind,
      state,
      suspicious,
      objects,
      statement,
      ...rowFields(rows, { isCut: end.ending === 'cut' }),
      gtid: place.gtid === null ? null : formatGtid(place.gtid),
      ...at,
      end: place.end,
      time: formatSeconds(this.#timeOf(time ?? place.time)),
      threadId,
      serverId: place.serverId,
      lastGood,
      awaits: end.phase?.step === 'begun' ? end.phase.key : null,
      settledBy: null,
    };
  }

  /** What a server logs while it recovers from a crash is of the year 1970: seen on MariaDB 10.11.19. */
  #timeOf(time: number): number {
    return time === 0 ? this.#format.time : time;
  }

  /**
   * The newest whole group before `start`. When none was ever seen, the cut is the group's own start, which ends
   * with the same content; its GTID is then known only if the state before names a single one.
   */
  #lastGood(start: number, before: GtidState | null): LastGood {
    const last = this.#last;
    if (last === null) return this.#before ?? { gtid: onlyGtid(before), file: this.#file, end: start, time: null };
    return lastGoodAt(last, this.#lastFile);
  }
}

/** A MariaDB position of one domain is the GTID of the group before; a set of MySQL does not tell its newest. */
function onlyGtid(state: GtidState | null): string | null {
  const text = state?.flavor === 'mariadb' ? state.toString() : '';
  return text === '' || text.includes(',') ? null : text;
}
