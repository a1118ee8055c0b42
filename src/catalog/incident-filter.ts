import { fileNumber, type Coordinates } from '../binlog/coordinates.ts';
import type { Incident, IncidentKind, IncidentState } from '../incident/incident.ts';

/** Which incidents to list; everything left out matches. Names match without regard to case. */
export interface IncidentFilter {
  readonly schema?: string | undefined;
  /** Together with `schema`, incidents that destroyed the whole schema match too: the table went with it. */
  readonly table?: string | undefined;
  readonly kind?: IncidentKind | undefined;
  /** Seconds since 1970, inclusive. */
  readonly since?: number | undefined;
  /** Seconds since 1970, inclusive. */
  readonly until?: number | undefined;
  readonly lineage?: string | undefined;
  readonly state?: IncidentState | undefined;
  /** Groups that begin there or behind it, in each lineage. */
  readonly from?: Coordinates | undefined;
  /** Also what was rolled back, did nothing, or is only suspected. */
  readonly all?: boolean | undefined;
  /** At most so many, the newest. */
  readonly limit?: number | undefined;
}

/** A part of a query over `incident`, and its values in order. */
export interface IncidentCondition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** When an incident is listed; never: it only repeats what an earlier one began. */
export const LISTED = { never: 0, onDemand: 1, always: 2 } as const;

/** True for what is listed without being asked for: it took effect, and is no guess. */
export function isListed({ state, suspicious }: Pick<Incident, 'state' | 'suspicious'>): boolean {
  return !suspicious && state !== 'rolled-back' && state !== 'no-op';
}

/** Translates a filter; values never become part of the text. */
export function incidentCondition(filter: Omit<IncidentFilter, 'lineage' | 'limit'>): IncidentCondition {
  const terms: IncidentCondition[] = [];
  const add = (sql: string, ...values: (string | number)[]): number => terms.push({ sql, values });
  // A plus keeps SQLite from looking by that column: there are indexes by kind and by state, and one of all in order.
  const { all, kind, state } = filter;
  if (all === true) add('+listed > ?', LISTED.never);
  else if (kind === undefined && state === undefined) add('listed = ?', LISTED.always);
  else add('+listed = ?', LISTED.always);
  if (kind !== undefined) add('kind = ?', kind);
  if (filter.since !== undefined) add('time >= ?', filter.since);
  if (filter.until !== undefined) add('time <= ?', filter.until);
  if (state !== undefined) add('state = ?', state);
  if (filter.from !== undefined) add('(number, start) >= (?, ?)', fileNumber(filter.from.file), filter.from.position);
  return { sql: terms.map((term) => term.sql).join(' AND '), values: terms.flatMap((term) => term.values) };
}

/**
 * Where to look for the incidents of a filter: of some objects there are few, and they are looked up by their ids. SQLite
 * keeps to the order of a CROSS JOIN.
 */
export function incidentSource({ schema, table }: Pick<IncidentFilter, 'schema' | 'table'>): IncidentCondition {
  const of = (condition: string): string =>
    `(SELECT DISTINCT incident AS id FROM incident_object WHERE ${condition}) CROSS JOIN incident USING (id)`;
  if (schema !== undefined && table !== undefined) {
    return { sql: of('schema = ? AND (name = ? OR name IS NULL)'), values: [schema, table] };
  }
  if (schema !== undefined) return { sql: of('schema = ?'), values: [schema] };
  if (table !== undefined) return { sql: of('name = ?'), values: [table] };
  return { sql: 'incident', values: [] };
}
