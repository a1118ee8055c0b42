import type { Difference } from './difference.ts';
import { quiet, trouble, type Meeting } from './meeting.ts';
import { nameOf, type Touch } from './touch.ts';

const HARMS_PARENT: readonly Touch['verb'][] = ['delete', 'update', 'drop', 'replace', 'truncate'];
const TAKES_ROWS: readonly Touch['verb'][] = ['delete', 'drop', 'truncate', 'replace'];

/** True where rows of a parent may go, and others with them. */
export function takesRows({ verb, replaces = false }: Touch): boolean {
  return replaces || TAKES_ROWS.includes(verb);
}

/** A later group touches a table that a foreign key of the one that differs leads to, maybe over others. Pure. */
export function meetParent(difference: Difference, touch: Touch): Meeting {
  const { exists, extra, old, columns, definition } = difference;
  const hasMoreKeys = exists === 'kept' || columns.length > 0 || definition;
  const holds = hasMoreKeys || extra !== 'no' || old !== 'no';
  const harms = HARMS_PARENT.includes(touch.verb) || touch.replaces === true;
  if (!(holds && harms) && !(hasMoreKeys && touch.verb === 'alter')) return quiet(difference);
  const why = `is changed: rows of ${nameOf(difference)} that are still there may refer to it (error 1451), or go with it`;
  return trouble('may-fail', why, difference);
}

/** A later group touches a table with a foreign key to the one that differs. Pure. */
export function meetChild(difference: Difference, touch: Touch): Meeting {
  const { exists, absent, old } = difference;
  const lacks = exists === 'missing' || absent !== 'no' || old === 'unknown';
  if (!lacks || (touch.verb !== 'insert' && touch.verb !== 'update')) return quiet(difference);
  return trouble(
    'may-fail',
    `refers to rows of ${nameOf(difference)}, which may not be there (error 1452)`,
    difference,
  );
}
