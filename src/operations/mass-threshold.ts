import type { BackupRecord } from '../archive/backup-record.ts';
import type { Incident } from '../incident/incident.ts';
import { SETTINGS_DEFAULTS } from './settings.ts';

/** From when on a change of many rows is shown. */
export interface MassThreshold {
  /** Rows deleted and updated in one group or loop. */
  readonly massRows: number;
  /** Share of a table's rows, where a backup tells how many it had: 0.5 is half of them. */
  readonly massShare: number;
}

/** What stands when the configuration says nothing. */
export const MASS_DEFAULTS: MassThreshold = {
  massRows: SETTINGS_DEFAULTS.massRows,
  massShare: SETTINGS_DEFAULTS.massShare,
};

/** About how many rows a table had; null when that is not known. */
export type TableSize = (schema: string, table: string) => number | null;

type Mass = Pick<Incident, 'kind' | 'rows' | 'objects' | 'loop'>;

/**
 * True for a change of rows below both thresholds: it is in the catalog, but listed only with everything else. What could not
 * be counted to its end may be more than it says, and a statement in text form says nothing: they are never small, whatever else its
 * group changed row by row. Of a loop that stands in several files all of it counts.
 */
export function isSmallMass(incident: Mass, threshold: MassThreshold, sizeOf: TableSize = () => null): boolean {
  const { kind, rows, objects, loop } = incident;
  if (kind !== 'mass-delete' && kind !== 'mass-update') return false;
  const elsewhere = loop === undefined ? 0 : loop.deleted - rows.deleted;
  const changed = rows.deleted + rows.updated + elsewhere;
  const isCounted = rows.atLeast !== true && changed > 0 && objects.every((object) => object.rows !== undefined);
  if (!isCounted || changed >= threshold.massRows) return false;
  return !objects.some((object) => shareOf(object, sizeOf, elsewhere) >= threshold.massShare);
}

/** @param elsewhere rows that other parts of the same loop deleted: it has one table */
function shareOf({ schema, name, rows }: Incident['objects'][number], sizeOf: TableSize, elsewhere: number): number {
  const size = name === null ? null : sizeOf(schema, name);
  if (size === null || size === 0 || rows === undefined) return 0;
  return (rows.deleted + rows.updated + elsewhere) / size;
}

/** Tells for an incident how large tables were in the newest backup that was finished before it. */
export class TableSizes {
  readonly #newestFirst: readonly BackupRecord[];
  readonly #sizes = new Map<string, ReadonlyMap<string, number>>();

  constructor(backups: readonly BackupRecord[]) {
    this.#newestFirst = backups
      .filter(({ tables }) => tables !== undefined)
      .toSorted((a, b) => (a.finishedAt < b.finishedAt ? 1 : -1));
  }

  before({ time }: Pick<Incident, 'time'>): TableSize {
    const at = Date.parse(time);
    const backup = this.#newestFirst.find(({ finishedAt }) => secondOf(finishedAt) <= at);
    if (backup === undefined) return () => null;
    const sizes = this.#sizes.get(backup.id) ?? sizesIn(backup);
    this.#sizes.set(backup.id, sizes);
    return (schema, table) => sizes.get(keyOf(schema, table)) ?? null;
  }
}

/** The log has whole seconds: what was finished within one counts as before all that is logged in it. */
function secondOf(time: string): number {
  return Math.floor(Date.parse(time) / 1000) * 1000;
}

function sizesIn({ tables = [] }: BackupRecord): ReadonlyMap<string, number> {
  return new Map(tables.map(({ schema, name, rows }) => [keyOf(schema, name), rows]));
}

/** No name can hold a zero. */
function keyOf(schema: string, table: string): string {
  return `${schema}\0${table}`;
}
