import type { Lineage } from '../archive/lineage.ts';
import { compareCoordinates } from '../binlog/coordinates.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { isListed, type IncidentFilter } from '../catalog/incident-filter.ts';
import { INCIDENT_KINDS, incidentId, type Incident, type IncidentKind } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import { findNeighbours, type PlacedGroup } from '../recovery/neighbours.ts';
import { parseTime } from '../recovery/target.ts';
import {
  findIncident,
  findLossyTables,
  type EvidenceOptions,
  type PlacedIncident,
} from './evidence/evidence-source.ts';
import { canBeSql, showLoss, type ShownLoss } from './evidence/lost-rows-shown.ts';
import { nextCommands } from './evidence/next-commands.ts';
import { readSurroundings, type Surroundings } from './evidence/surroundings.ts';
import { readWholeStatement } from './evidence/whole-statement.ts';
import { isSmallMass, MASS_DEFAULTS, TableSizes, type MassThreshold } from './mass-threshold.ts';
import { asOne, OneIncidents, sameGroup, serverOf } from './one-incident.ts';
import type { OpenArchive } from './open-archive.ts';

/** What to list, as text; everything left out matches. */
export interface IncidentOptions {
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly kind?: string | undefined;
  /** RFC 3339 with zone, inclusive. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** Also what was rolled back, did nothing, is only suspected, or changed few rows. */
  readonly all?: boolean | undefined;
}

/**
 * Lists incidents, newest first.
 *
 * @param threshold a smaller change of rows is listed only with `all`
 * @throws LastgoodError `USAGE` for an unknown kind, `TIME_INVALID`
 */
export function listIncidents(
  { catalog }: OpenArchive,
  options: IncidentOptions = {},
  threshold: MassThreshold = MASS_DEFAULTS,
): Incident[] {
  const found = catalog.incidents({ ...filterOf(options), all: options.all });
  return options.all === true ? withoutEchoes(catalog, found) : withoutGuesses(catalog, found, threshold);
}

/** The same, and how many more there are with `all`: what is not listed is at least counted. */
export function listAndCountIncidents(
  { catalog }: OpenArchive,
  options: IncidentOptions,
  threshold: MassThreshold = MASS_DEFAULTS,
): { readonly incidents: Incident[]; readonly more: number } {
  const found = catalog.incidents({ ...filterOf(options), all: true });
  const every = withoutEchoes(catalog, found);
  const incidents = options.all === true ? every : withoutGuesses(catalog, found, threshold);
  return { incidents, more: every.length - incidents.length };
}

function filterOf({ schema, table, since, until, kind }: IncidentOptions): IncidentFilter {
  return {
    schema,
    table,
    kind: kind === undefined ? undefined : parseKind(kind),
    since: since === undefined ? undefined : parseTime(since),
    until: until === undefined ? undefined : parseTime(until),
  };
}

function withoutGuesses(catalog: Catalog, found: readonly Incident[], threshold: MassThreshold): Incident[] {
  const sizes = new TableSizes(catalog.backups());
  return withoutEchoes(catalog, found).filter(
    (incident) => isListed(incident) && !isSmallMass(incident, threshold, sizes.before(incident)),
  );
}

/**
 * What a new primary wrote while it still was a replica stands in its log and in the old primary's: one incident, listed where
 * history has it, in the old one's. One that was archived anew from the same files is listed under the id that it had before.
 */
function withoutEchoes(catalog: Catalog, incidents: readonly Incident[]): Incident[] {
  const lineages = catalog.lineages();
  const byId = new Map(lineages.map((lineage) => [lineage.id, lineage]));
  return withoutCopies(catalog, incidents, lineages).filter(({ lineage: id, file, start, gtid, kind }) => {
    const lineage = byId.get(id ?? '');
    const child = lineage?.handOver?.child;
    if (gtid === null || child === undefined || compareCoordinates({ file, position: start }, child) >= 0) return true;
    return !incidents.some((other) => other.lineage === lineage?.parent && other.gtid === gtid && other.kind === kind);
  });
}

/** Copies of one incident as one, where its first copy stands in the list. */
function withoutCopies(
  catalog: Catalog,
  incidents: readonly Incident[],
  lineages: readonly Lineage[],
): readonly Incident[] {
  const servers = lineages.map(serverOf);
  if (new Set(servers).size === servers.length) return incidents;
  const order = new Map(lineages.map(({ id }, index) => [id, index]));
  const orderOf = ({ lineage }: Incident): number => order.get(lineage ?? '') ?? -1;
  const placed = incidents.map((incident) => ({
    incident,
    place: `${servers[orderOf(incident)] ?? ''} ${sameGroup(incident)}`,
  }));
  const copies = new Map<string, Incident[]>();
  for (const { incident, place } of placed.toSorted((a, b) => orderOf(a.incident) - orderOf(b.incident)))
    copies.set(place, [...(copies.get(place) ?? []), incident]);
  const ones = new OneIncidents(catalog);
  return placed.flatMap(({ incident, place }) => {
    if (incident.gtid === null) return [incident];
    const [first, ...others] = copies.get(place) ?? [];
    if (first !== incident) return [];
    const one = asOne([first, ...others])?.incident ?? first;
    // Its decided copy may not be in the list: what was rolled back is not listed.
    return [one.state === 'pending' ? ones.of(one).incident : one];
  });
}

function parseKind(text: string): IncidentKind {
  const kind = INCIDENT_KINDS.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new LastgoodError('USAGE', `'${text}' is no kind of incident that this version finds`, {
    hint: `Use one of ${INCIDENT_KINDS.join(', ')}.`,
  });
}

/** What to show of an incident. */
export interface StoryOptions extends EvidenceOptions {
  /** All of the statement, however long. */
  readonly full?: boolean | undefined;
  /** So many of the rows that it destroyed. */
  readonly rows?: number | undefined;
}

/** An incident with what is around it, what it destroyed, and how to get it back. */
export interface IncidentStory {
  readonly incident: Incident;
  /** Passwords redacted; cut unless all of it was asked for. */
  readonly statement: string;
  /** The last group before it: what a restore ends with. null when the archive begins with the incident. */
  readonly before: PlacedGroup | null;
  /** The first group after it; null when nothing followed. */
  readonly after: PlacedGroup | null;
  readonly around: Surroundings;
  readonly lost: ShownLoss;
  /** The exact next commands. */
  readonly commands: readonly string[];
}

const SHOWN_ROWS = 10;

/** Shows one incident, read from the archive. @throws LastgoodError `INCIDENT_UNKNOWN`, `TARGET_UNREACHABLE`, `ARCHIVE_DAMAGED` */
export async function showIncident(archive: OpenArchive, id: string, options: StoryOptions): Promise<IncidentStory> {
  const { rows = SHOWN_ROWS, full = false, signal } = options;
  const placed = await findOne(archive, id, signal);
  const { incident, view } = placed;
  const { file, start, end } = incident;
  const { before } = await findNeighbours(view, { file, position: start });
  const { after } = await findNeighbours(view, { file, position: end });
  const lossy = await findLossyTables(archive, placed, options);
  const lost = await showLoss(lossy, { most: rows, kind: incident.kind }, options);
  return {
    ...{ incident, before, after, lost },
    statement: full ? await readWholeStatement({ ...placed, signal }) : incident.statement,
    around: await readSurroundings({ ...placed, signal }),
    commands: nextCommands(incident, { ...options, rows: incident.state === 'effective' && canBeSql(lossy) }),
  };
}

/** Under its first id, in the log that knows most of it. */
async function findOne(archive: OpenArchive, id: string, signal: AbortSignal | undefined): Promise<PlacedIncident> {
  const asked = archive.catalog.incident(id);
  if (asked === null) return await findIncident(archive, id, signal); // says so
  const { incident, saidBy } = new OneIncidents(archive.catalog).of(asked);
  const placed = await findIncident(archive, incidentId({ ...asked, lineage: saidBy }), signal);
  return { ...placed, incident };
}
