import type { IncidentKind } from '../incident/incident.ts';

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
  /** Also what was rolled back, did nothing, or is only suspected. */
  readonly all?: boolean | undefined;
}

/** A filter as an SQL condition over `incident`, and its values in order. */
export interface IncidentCondition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** Only what took effect, or may yet: the rest is listed with `all`. */
const SHOWN_BY_DEFAULT = `incident.suspicious = 0 AND incident.state IN ('effective', 'pending', 'unknown')`;

/** Translates a filter; values never become part of the text. */
export function incidentCondition(filter: IncidentFilter): IncidentCondition {
  const terms: IncidentCondition[] = [];
  const add = (sql: string, ...values: (string | number)[]): number => terms.push({ sql, values });
  if (filter.all !== true) add(SHOWN_BY_DEFAULT);
  if (filter.kind !== undefined) add('incident.kind = ?', filter.kind);
  if (filter.since !== undefined) add('incident.time >= ?', filter.since);
  if (filter.until !== undefined) add('incident.time <= ?', filter.until);
  if (filter.lineage !== undefined) add('incident.lineage = ?', filter.lineage);
  terms.push(...objectTerm(filter));
  if (terms.length === 0) return { sql: 'true', values: [] };
  return { sql: terms.map((term) => term.sql).join(' AND '), values: terms.flatMap((term) => term.values) };
}

function objectTerm({ schema, table }: IncidentFilter): IncidentCondition[] {
  const within = (condition: string): string =>
    `EXISTS (SELECT 1 FROM incident_object o WHERE o.incident = incident.id AND ${condition})`;
  if (schema !== undefined && table !== undefined) {
    return [{ sql: within('o.schema = ? AND (o.name = ? OR o.name IS NULL)'), values: [schema, table] }];
  }
  if (schema !== undefined) return [{ sql: within('o.schema = ?'), values: [schema] }];
  if (table !== undefined) return [{ sql: within('o.name = ?'), values: [table] }];
  return [];
}
