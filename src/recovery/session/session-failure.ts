import { formatGtid } from '../../binlog/gtid-text.ts';
import type { FormatDescription } from '../../binlog/format-description.ts';
import type { Gtid } from '../../binlog/gtid.ts';
import { parseTableMap } from '../../binlog/table-map.ts';
import { dialectOf, sourceOf } from '../../incident/dialect.ts';
import { redactStatement } from '../../incident/redact.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { LoggedEvent } from './logged-events.ts';

const STATEMENT_CHARACTERS = 500;

/** Where in the log a statement stands. */
export interface LoggedPlace {
  readonly file: string;
  /** Of the event. */
  readonly offset: number;
  /** Of its group's first event: up to there everything was executed. */
  readonly groupStart: number;
  readonly gtid: Gtid | null;
  readonly format: FormatDescription;
}

/** What stands at the place, in words for a person: a redacted statement, or the tables whose rows change. */
export type LoggedThing = { readonly text: Buffer; readonly sqlMode: number } | { readonly tables: string } | null;

/**
 * What is there cannot be done: with its place, as `details` too. `position` is where the group begins, as with an applier, which stands
 * behind the last whole group.
 */
export function sessionFailure(
  place: LoggedPlace,
  why: string,
  o: { thing?: LoggedThing; errno?: number } = {},
): LastgoodError {
  const { file, offset, groupStart, gtid, format } = place;
  const group = gtid === null ? `group ${file}:${groupStart}` : `group ${formatGtid(gtid)} at ${file}:${groupStart}`;
  const what = describe(o.thing ?? null, format);
  return new LastgoodError('TOOL_FAILED', `cannot execute ${file}:${offset}, in ${group}: ${why}${what}`, {
    details: {
      file,
      position: groupStart,
      event: offset,
      ...(gtid === null ? {} : { gtid: formatGtid(gtid) }),
      ...(o.errno === undefined ? {} : { errno: o.errno }),
    },
  });
}

/** The tables that TABLE_MAP events name, if there are any. */
export function thingOf(maps: readonly LoggedEvent[]): LoggedThing {
  const names = maps.map((map) => parseTableMap(map, map.bodyEnd)).map((map) => `${map?.schema}.${map?.table}`);
  return names.length === 0 ? null : { tables: [...new Set(names)].join(', ') };
}

function describe(thing: LoggedThing, format: FormatDescription): string {
  if (thing === null) return '';
  if ('tables' in thing) return `; it is about rows of ${thing.tables}`;
  const dialect = dialectOf(sourceOf(format), thing.sqlMode, false);
  return `; the statement is: ${redactStatement(thing.text.toString('utf8', 0, 4 * STATEMENT_CHARACTERS), dialect, STATEMENT_CHARACTERS)}`;
}
