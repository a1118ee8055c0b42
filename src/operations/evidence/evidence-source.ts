import type { ArchivedSegment } from '../../archive/repository.ts';
import type { Incident } from '../../incident/incident.ts';
import { LastgoodError } from '../../platform/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { incidentUnknown } from '../../recovery/incident-errors.ts';
import { openLineageViews, type LineageView } from '../../recovery/lineage-view.ts';
import type { ServerConnection } from '../../server/connection.ts';
import type { OpenArchive } from '../open-archive.ts';
import { definitionSources } from './definition-sources.ts';
import { findDefinitions, type FoundDefinition } from './find-definitions.ts';
import { partOfIncident } from './incident-groups.ts';
import { findChangedRows, type ChangedTable } from './lost-rows.ts';
import { tableKey } from './table-definition.ts';
import type { LogPart } from './whole-events.ts';

/** What to look at, and with whose help. */
export interface EvidenceOptions {
  /** Only rows of this schema, of tables of this name. */
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  /** Asked for the tables' definitions when nothing else knows them; null: no server is at hand. */
  readonly live: (() => Promise<ServerConnection>) | null;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
  /** So long an archiver at work is waited for when that server goes on writing, milliseconds; 10 s when not given. */
  readonly patienceMs?: number | undefined;
}

/** An incident and where it stands in the archive. */
export interface PlacedIncident {
  readonly incident: Incident;
  readonly view: LineageView;
  /** Of its lineage. */
  readonly segments: readonly ArchivedSegment[];
  readonly segment: ArchivedSegment;
}

/** Finds an incident in the archive. @throws LastgoodError `INCIDENT_UNKNOWN`, `TARGET_UNREACHABLE` */
export async function findIncident(archive: OpenArchive, id: string, signal?: AbortSignal): Promise<PlacedIncident> {
  const incident = archive.catalog.incident(id);
  if (incident === null) {
    throw incidentUnknown(id);
  }
  const views = await openLineageViews({ ...archive, signal });
  const view = views.find(({ lineage }) => lineage.id === incident.lineage);
  const segments = view === undefined ? [] : await archive.repository.segments(view.lineage.id);
  const segment = segments.find(({ file }) => file === incident.file);
  if (view === undefined || segment === undefined) {
    const what = view === undefined ? 'the lineage' : incident.file;
    throw new LastgoodError('TARGET_UNREACHABLE', `${what} of incident ${id} is not in the archive`);
  }
  return { incident, view, segments, segment };
}

/** A table that lost rows, and how it was defined. */
export interface LossyTable extends FoundDefinition {
  readonly changed: ChangedTable;
}

/** The rows that an incident deleted or updated, as far as the log has them. */
export interface LossyTables {
  readonly part: LogPart;
  readonly tables: readonly LossyTable[];
  /** Events with rows that cannot be read, in words. */
  readonly unread: string | null;
  /** How many tables lost rows, those included that were not asked for. */
  readonly changed: number;
}

/** Finds the tables that lost rows, with their definitions. @throws LastgoodError `ARCHIVE_DAMAGED`, `INTERRUPTED` */
export async function findLossyTables(
  archive: OpenArchive,
  placed: PlacedIncident,
  options: EvidenceOptions,
): Promise<LossyTables> {
  const { incident, segment } = placed;
  const { schema, table: name } = options;
  const part = await partOfIncident(segment, incident);
  const { tables, unread } = await findChangedRows(part);
  const lossy = tables.filter(({ events }) => events.delete + events.update > 0);
  const chosen = lossy.filter(
    ({ table }) => (schema === undefined || table.schema === schema) && (name === undefined || table.name === name),
  );
  const found = await findDefinitions(
    chosen.map(({ table }) => table),
    await definitionSources(archive, placed, options),
  );
  const nothing: FoundDefinition = { definition: null, notes: [] };
  return {
    ...{ part, unread, changed: lossy.length },
    tables: chosen.map((changed) => ({ changed, ...(found.get(tableKey(changed.table)) ?? nothing) })),
  };
}
