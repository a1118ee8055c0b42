import type { Lineage } from '../archive/lineage.ts';
import { compareCoordinates } from '../binlog/coordinates.ts';
import type { IncidentFilter } from '../catalog/incident-filter.ts';
import { INCIDENT_KINDS, type Incident, type IncidentKind } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import { openLineageViews } from '../recovery/lineage-view.ts';
import { findNeighbours, type PlacedGroup } from '../recovery/neighbours.ts';
import { parseTime } from '../recovery/target.ts';
import type { OpenArchive } from './open-archive.ts';

/** What to list, as text; everything left out matches. */
export interface IncidentOptions {
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly kind?: string | undefined;
  /** RFC 3339 with zone, inclusive. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Also what was rolled back, did nothing, or is only suspected. */
  readonly all?: boolean | undefined;
}

/** Lists incidents, newest first. @throws LastgoodError `USAGE` for an unknown kind, `TIME_INVALID` */
export function listIncidents({ catalog }: OpenArchive, options: IncidentOptions = {}): Incident[] {
  const { schema, table, all, since, until, kind } = options;
  const filter: IncidentFilter = {
    schema,
    table,
    all,
    kind: kind === undefined ? undefined : parseKind(kind),
    since: since === undefined ? undefined : parseTime(since),
    until: until === undefined ? undefined : parseTime(until),
  };
  return withoutEchoes(catalog.incidents(filter), catalog.lineages());
}

/**
 * What a new primary wrote while it still was a replica stands in its log and in the old primary's: one incident, listed where
 * history has it, in the old one's.
 */
function withoutEchoes(incidents: readonly Incident[], lineages: readonly Lineage[]): Incident[] {
  const byId = new Map(lineages.map((lineage) => [lineage.id, lineage]));
  return incidents.filter(({ lineage: id, file, start, gtid, kind }) => {
    const lineage = byId.get(id ?? '');
    const child = lineage?.handOver?.child;
    if (gtid === null || child === undefined || compareCoordinates({ file, position: start }, child) >= 0) return true;
    return !incidents.some((other) => other.lineage === lineage?.parent && other.gtid === gtid && other.kind === kind);
  });
}

function parseKind(text: string): IncidentKind {
  const kind = INCIDENT_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new LastgoodError('USAGE', `'${text}' is no kind of incident that this version finds`, {
    hint: `Use one of ${INCIDENT_KINDS.join(', ')}.`,
  });
}

/** An incident with the transactions around it. */
export interface IncidentStory {
  readonly incident: Incident;
  /** The last group before it: what a restore ends with. null when the archive begins with the incident. */
  readonly before: PlacedGroup | null;
  /** The first group after it; null when nothing followed. */
  readonly after: PlacedGroup | null;
}

/** Shows one incident, read from the archive. @throws LastgoodError `INCIDENT_UNKNOWN`, `TARGET_UNREACHABLE` */
export async function showIncident(archive: OpenArchive, id: string, signal?: AbortSignal): Promise<IncidentStory> {
  const incident = archive.catalog.incident(id);
  if (incident === null) {
    throw new LastgoodError('INCIDENT_UNKNOWN', `no incident '${id}' is known`, { details: { incident: id } });
  }
  const views = await openLineageViews({ ...archive, signal });
  const view = views.find(({ lineage }) => lineage.id === incident.lineage);
  if (view === undefined) {
    throw new LastgoodError('TARGET_UNREACHABLE', `the lineage of incident ${id} is not in the archive`);
  }
  const { file, start, end } = incident;
  const { before } = await findNeighbours(view, { file, position: start });
  const { after } = await findNeighbours(view, { file, position: end });
  return { incident, before, after };
}
