import type { ObjectType } from '../../incident/incident.ts';
import type { Difference } from './difference.ts';
import { LOST, quiet, trouble, type Meeting } from './meeting.ts';
import type { Touch } from './touch.ts';

/** What a server says of something that is made although it is there. Source: MariaDB manual, "MariaDB Error Codes". */
const EXISTS: Readonly<Record<ObjectType, number>> = {
  ...{ database: 1007, table: 1050, view: 1050, sequence: 1050, trigger: 1359, routine: 1304, event: 1537, user: 1396 },
};

/**
 * In words, what comes of making it. Tried on MariaDB 10.11.19: a session fails; a replica, whose slave_ddl_exec_mode is
 * IDEMPOTENT, takes CREATE DATABASE for one with IF NOT EXISTS and CREATE TABLE for one with OR REPLACE.
 */
export function stillThere(type: ObjectType): string {
  const onReplica = ON_REPLICA[type];
  return `it is still there: error ${EXISTS[type]}${onReplica === undefined ? '' : `, or on a replica ${onReplica}`}`;
}

const ON_REPLICA: Partial<Record<ObjectType, string>> = {
  database: 'old and new in one',
  table: 'the old one is lost again',
  sequence: 'the old one is lost again',
};

/** A later group meets what only the skipping server still has. */
export function meetKept(difference: Difference, { verb }: Touch): Meeting {
  const { type } = difference;
  if (verb === 'create') return trouble('fails', `is made anew, but ${stillThere(type)}`, difference);
  if (verb === 'ensure') return ensured(difference);
  if (verb === 'replace') return trouble('undone', `is made anew in its place: ${LOST}`, null);
  if (verb === 'drop') return trouble('undone', `is dropped again: ${LOST}`, null);
  if (verb === 'read' || verb === 'rights') return quiet(difference);
  return trouble('differs', 'is changed, which the source no longer had', difference);
}

/** IF NOT EXISTS: the old one stays, and what follows was meant for a new one. */
function ensured(difference: Difference): Meeting {
  const both: Difference = { ...difference, exists: 'both' };
  if (difference.name === null) return quiet({ ...both, contents: true });
  if (difference.type === 'table') return quiet({ ...both, extra: 'unknown', definition: true });
  return trouble('differs', 'keeps its old definition', { ...both, definition: true });
}
