/**
 * The incident room's door. Enters: transaction groups, in log order, across files. Leaves: incidents, each a
 * destructive group with the last good group before it. Must not know where groups come from or where incidents go.
 */

import type { FormatDescription } from '../binlog/format-description.ts';
import { formatGtid } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import type { Group, GroupVisitor, QueryEvent } from '../binlog/group.ts';
import { formatSeconds } from '../platform/time.ts';
import { classify, type Destruction } from './classify.ts';
import { sourceOf, type Source } from './dialect.ts';
import { incidentId, type Incident, type IncidentObject, type LastGood } from './incident.ts';
import { redactStatement } from './redact.ts';
import { stateAtEnd, type DestructionEnding } from './state.ts';

/** A destructive statement whose group has not ended yet. */
interface Pending {
  readonly destruction: Destruction;
  readonly time: number;
  readonly threadId: number;
  readonly errorCode: number;
}

/** Where a group stood and who wrote it; a torn one has no more than that. */
type Place = Pick<Group, 'start' | 'end' | 'gtid' | 'serverId'>;

/**
 * Finds incidents while a log is read. `enterFile` comes before the groups of each file, once or more;
 * `found` is called during `group` or `torn`, in log order, once for each destructive group.
 */
export class IncidentFinder implements GroupVisitor {
  readonly #lineage: string | null;
  readonly #found: (incident: Incident) => void;
  #source: Source = { flavor: 'mysql', version: Infinity };
  #file = '';
  #serverId = 0;
  #pending: Pending[] = [];
  /** The newest group and its file; before there is one, what the caller knows. */
  #last: Group | null = null;
  #lastFile = '';
  readonly #before: LastGood | null;

  /** @param options.last the newest group of the log before the first file */
  constructor(options: { lineage: string | null; found(incident: Incident): void; last?: LastGood | null }) {
    this.#lineage = options.lineage;
    this.#found = options.found.bind(options);
    this.#before = options.last ?? null;
  }

  /** The groups that follow are of this file, written as its format says. */
  enterFile(file: string, format: FormatDescription): void {
    this.#file = file;
    this.#pending = []; // of a group that the file before ended inside: it is torn, and counts for nothing
    this.#source = sourceOf(format);
    this.#serverId = format.serverId;
  }

  query(query: QueryEvent): void {
    const destruction = classify(query, this.#source);
    if (destruction === null) return;
    const { time, threadId, errorCode } = query;
    this.#pending.push({ destruction, time, threadId, errorCode });
  }

  group(group: Group, before: GtidState | null): void {
    if (this.#pending.length > 0) this.#report(group, group.ending, this.#lastGood(group.start, before));
    this.#last = group;
    this.#lastFile = this.#file;
  }

  torn(start: number, end: number): void {
    if (this.#pending.length === 0) return;
    this.#report({ start, end, gtid: null, serverId: this.#serverId }, 'torn', this.#lastGood(start, null));
  }

  #report(place: Place, ending: DestructionEnding, lastGood: LastGood): void {
    const pending = this.#pending;
    this.#pending = [];
    const [first] = pending;
    if (first === undefined) return;
    const { start, end, gtid, serverId } = place;
    const { form, statement, dialect } = first.destruction;
    const at = { lineage: this.#lineage, file: this.#file, start };
    this.#found({
      id: incidentId(at),
      kind: form.kind,
      state: stateAtEnd({ form, statement, errorCode: first.errorCode }, ending),
      suspicious: pending.some(({ destruction }) => destruction.suspicious),
      objects: distinct(pending.flatMap(({ destruction }) => destruction.objects)),
      statement: redactStatement(statement, dialect),
      rows: { deleted: 0, updated: 0 },
      gtid: gtid === null ? null : formatGtid(gtid),
      ...at,
      end,
      time: formatSeconds(first.time),
      threadId: first.threadId,
      serverId,
      lastGood,
    });
  }

  /**
   * The newest whole group before `start`. When none was ever seen, the cut is the group's own start, which ends
   * with the same content; its GTID is then known only if the state before names a single one.
   */
  #lastGood(start: number, before: GtidState | null): LastGood {
    const last = this.#last;
    if (last === null) return this.#before ?? { gtid: onlyGtid(before), file: this.#file, end: start, time: null };
    const gtid = last.gtid === null ? null : formatGtid(last.gtid);
    return { gtid, file: this.#lastFile, end: last.end, time: formatSeconds(last.time) };
  }
}

/** A MariaDB position of one domain is the GTID of the group before; a set of MySQL does not tell its newest. */
function onlyGtid(state: GtidState | null): string | null {
  const text = state?.flavor === 'mariadb' ? state.toString() : '';
  return text === '' || text.includes(',') ? null : text;
}

function distinct(objects: readonly IncidentObject[]): IncidentObject[] {
  return [...new Map(objects.map((object) => [JSON.stringify(object), object])).values()];
}
