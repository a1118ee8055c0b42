import type { QueryEvent, SourceNote } from '../binlog/group.ts';
import type { Destruction } from './classify.ts';
import type { Dialect } from './dialect.ts';
import { gravestKind, type Incident, type IncidentKind, type IncidentObject } from './incident.ts';
import { redactInAnyMode, redactStatement } from './redact.ts';
import { isHarmless, STATES_BY_WEIGHT, stateOf, type Deed, type Ending } from './state.ts';

/** One destructive thing in a group, which is not over yet: a statement, or the rows of a table. */
export interface Part extends Deed {
  readonly kind: IncidentKind;
  readonly objects: readonly IncidentObject[];
  /** True when it could not be read for sure. */
  readonly suspicious: boolean;
  /** How to read the statement; null when it is no SQL. */
  readonly dialect: Dialect | null;
  /** Seconds since 1970; null: as its group. */
  readonly time: number | null;
  /** null where the log does not say. */
  readonly threadId: number | null;
}

/** What a group's parts make of it together. */
export type Whole = Pick<Incident, 'kind' | 'state' | 'suspicious' | 'objects' | 'statement' | 'threadId'> &
  Pick<Part, 'time'>;

/** The part that a statement is. */
export function partOfStatement(destruction: Destruction, { time, threadId, errorCode }: QueryEvent): Part {
  const { form, objects, suspicious, statement, dialect } = destruction;
  return {
    evidence: 'text',
    kind: form.kind,
    objects,
    suspicious,
    statement,
    dialect,
    time,
    threadId,
    done: form.kind === 'unclassified' ? 'unknown' : 'effective',
    afterError: errorCode === 0 ? null : form.afterError,
    undone: false,
  };
}

/** The part that an INCIDENT event is: what it tells of is not in the log, so nothing can be named. */
export function partOfNote({ time, message }: SourceNote): Part {
  return {
    evidence: 'note',
    kind: 'source-incident',
    objects: [],
    suspicious: false,
    statement: message === '' ? 'the source lost events' : message,
    dialect: null,
    time,
    threadId: null,
    done: 'effective',
    afterError: null,
    undone: false,
  };
}

/** The part that an event is which cannot be read: it may be anything. */
export const UNREAD: Part = {
  evidence: 'text',
  kind: 'unclassified',
  objects: [],
  suspicious: false,
  statement: 'an event of this group cannot be read',
  dialect: null,
  time: null,
  threadId: null,
  done: 'unknown',
  afterError: null,
  undone: false,
};

/**
 * Puts the parts of a group together: what took effect counts, else what may have, else what did not. The gravest kind
 * among the parts that are sure is the group's, with that part's statement. Null for no parts.
 */
export function combine(parts: readonly Part[], end: Ending): Whole | null {
  const judged = parts.map((part) => ({ part, state: stateOf(part, end) }));
  const harmful = judged.filter(({ state }) => !isHarmless(state));
  const counted = harmful.length > 0 ? harmful : judged;
  const sure = counted.filter(({ part }) => !part.suspicious);
  const telling = sure.length > 0 ? sure : counted;
  const kind = gravestKind(telling.map(({ part }) => part.kind));
  const first = telling.find(({ part }) => part.kind === kind)?.part;
  if (first === undefined) return null;
  return {
    kind,
    state: STATES_BY_WEIGHT.find((state) => counted.some((one) => one.state === state)) ?? 'unknown',
    suspicious: sure.length === 0,
    objects: distinct(counted.flatMap(({ part }) => part.objects)),
    statement: shownText(first),
    time: first.time,
    threadId: first.threadId,
  };
}

/** The text before row events does not say its SQL mode. */
function shownText({ evidence, statement, dialect }: Part): string {
  if (dialect === null) return statement;
  return evidence === 'rows' ? redactInAnyMode(statement, dialect) : redactStatement(statement, dialect);
}

function distinct(objects: readonly IncidentObject[]): IncidentObject[] {
  return [...new Map(objects.map((object) => [JSON.stringify(object), object])).values()];
}
