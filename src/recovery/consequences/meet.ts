import { blurred, isAny, type Difference } from './difference.ts';
import { meetAlter } from './meet-alter.ts';
import { meetKept, stillThere } from './meet-kept.ts';
import { meetMissing, notThere } from './meet-missing.ts';
import { meetRows } from './meet-rows.ts';
import { LOST, quiet, trouble, type Meeting } from './meeting.ts';
import type { Definitions } from './table-facts.ts';
import type { Touch } from './touch.ts';

/** A later group touches the very object that differs. Pure. */
export function meet(difference: Difference, touch: Touch, definitions: Definitions): Meeting {
  const { exists } = difference;
  if (exists === 'kept') return meetKept(difference, touch);
  if (exists === 'missing') return meetMissing(difference, touch);
  const meeting = meetBoth(difference, touch, definitions);
  return meeting.then !== null && !isAny(meeting.then) ? { ...meeting, then: null } : meeting;
}

function meetBoth(difference: Difference, touch: Touch, definitions: Definitions): Meeting {
  const { verb } = touch;
  if (verb === 'drop' || verb === 'replace') return emptied(difference, null);
  // Rows are compared under one name.
  if (verb === 'rename') return quiet({ ...blurred(difference), ...touch.to });
  if (difference.type !== 'table' && difference.type !== 'view') return quiet(difference);
  if (verb === 'truncate') return emptied(difference, { ...difference, extra: 'no', old: 'no', absent: 'no' });
  if (verb === 'alter') return meetAlter(difference, touch);
  const isOfRows = verb === 'insert' || verb === 'update' || verb === 'delete' || verb === 'read';
  return isOfRows ? meetRows(difference, touch, definitions.table(difference)) : quiet(difference);
}

/** Both are empty then; what skipping kept is lost with the rest. */
function emptied(difference: Difference, then: Difference | null): Meeting {
  const { extra, old, contents, columns } = difference;
  const isLost = extra !== 'no' || old !== 'no' || contents || (then === null && columns.length > 0);
  return isLost ? trouble('undone', `is emptied or dropped: ${LOST}`, then) : quiet(then);
}

/** A later group drops, replaces or makes the schema of an object that differs. Pure. */
export function meetInSchema(difference: Difference, touch: Touch): Meeting {
  if (touch.verb !== 'drop' && touch.verb !== 'replace') return quiet(difference);
  if (difference.exists === 'missing') return quiet(null);
  const { extra, old, columns, exists } = difference;
  const isLost = exists === 'kept' || extra !== 'no' || old !== 'no' || columns.length > 0;
  return isLost ? trouble('undone', `is dropped with its schema: ${LOST}`, null) : quiet(null);
}

/** What a later group does to an object comes to in a schema that differs. `found` is a difference of the object itself. */
export interface MeetingInside extends Meeting {
  readonly found: Difference | null;
}

/** A later group touches an object of a schema that differs; the object itself is not known to. Pure. */
export function meetInside(schema: Difference, touch: Touch, definitions: Definitions): MeetingInside {
  const none = { ...quiet(schema), found: null };
  if (schema.exists === 'missing') {
    const why = `is in ${schema.schema}, but ${notThere('database')}`;
    return { ...trouble(touch.verb === 'read' ? 'may-fail' : 'fails', why, schema), found: null };
  }
  if (schema.exists === 'kept') {
    const isUndone = touch.verb === 'drop' || touch.verb === 'replace';
    return isUndone ? { ...trouble('undone', `is dropped again: ${LOST}`, schema), found: null } : none;
  }
  const held = schema.contents ? definitions.held(touch) : false;
  return held === false ? meetNew(schema, touch) : meetOld(schema, touch, held);
}

/** The schema is not made as on the source: what is made in it takes its character set from another one. */
function meetNew(schema: Difference, { verb, type }: Touch): MeetingInside {
  const isMade = verb === 'create' || verb === 'ensure' || verb === 'replace';
  const differs = isMade && type === 'table' && (schema.contents || schema.definition);
  const why = 'is made in a schema that is still there, whose character set may be another one';
  return { ...(differs ? trouble('differs', why, schema) : quiet(schema)), found: null };
}

/** The schema was made anew where it was still there; the object may be there from before. */
function meetOld(schema: Difference, touch: Touch, held: true | null): MeetingInside {
  const { verb, type } = touch;
  const found = (meeting: Meeting, difference: Difference | null = null): MeetingInside => ({
    ...meeting,
    found: difference,
  });
  if (verb === 'create') {
    const why = `is made anew, but ${held === true ? '' : 'maybe '}${stillThere(type)}`;
    return found(trouble(held === true ? 'fails' : 'may-fail', why, schema));
  }
  if (verb === 'ensure') {
    const old = { ...schema, type, name: touch.name, contents: false, extra: 'unknown', definition: true } as const;
    return found(quiet(schema), old);
  }
  const isDropped = verb === 'drop' && held === true && touch.lenient === true;
  const isUndone = verb === 'replace' || isDropped;
  return found(isUndone ? trouble('undone', `is dropped or made anew: ${LOST}`, schema) : quiet(schema));
}
