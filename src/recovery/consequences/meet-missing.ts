import type { ObjectType } from '../../incident/incident.ts';
import type { Difference } from './difference.ts';
import { quiet, trouble, type Meeting } from './meeting.ts';
import type { Touch } from './touch.ts';

/** What a server says of something that it does not have. Source: MariaDB manual, "MariaDB Error Codes". */
const UNKNOWN: Readonly<Record<ObjectType, number>> = {
  ...{ database: 1049, table: 1146, view: 1146, sequence: 1146, trigger: 1360, routine: 1305, event: 1539, user: 1396 },
};

/** In words, why using it fails. */
export function notThere(type: ObjectType): string {
  return `it is not there (error ${UNKNOWN[type]})`;
}

/** A later group meets what only the source has, because making it is skipped. */
export function meetMissing(difference: Difference, touch: Touch): Meeting {
  const { type } = difference;
  const { verb, lenient = false } = touch;
  if (verb === 'create' || verb === 'replace') return quiet(null);
  if (verb === 'ensure') return madeEmpty(difference);
  if (verb === 'read') return trouble('may-fail', `is named, but ${notThere(type)}`, difference);
  if (verb !== 'drop')
    return lenient ? quiet(difference) : trouble('fails', `is used, but ${notThere(type)}`, difference);
  // A replica's DROP TABLE is one with IF EXISTS. Source: MariaDB manual, slave_ddl_exec_mode.
  return lenient || type === 'table' ? quiet(null) : trouble('fails', `is dropped, but ${notThere(type)}`, null);
}

function madeEmpty(difference: Difference): Meeting {
  const both: Difference = { ...difference, exists: 'both', absent: 'unknown', definition: true };
  return trouble('differs', 'is made by it, empty, where the source had it already', both);
}
