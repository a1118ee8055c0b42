import type { Coordinates } from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';

/** The content of `lineages/<name>-<id>/lineage.json`: which unbroken binlog history this is. */
export interface Lineage {
  readonly format: 1;
  /** `<name>-<id>`, also the folder's name; `id` is derived from the facts below. */
  readonly id: string;
  readonly name: string;
  readonly flavor: Flavor;
  readonly serverId: number;
  /** MySQL only. */
  readonly serverUuid: string | null;
  readonly firstFile: string;
  /** Seconds since 1970: when the source opened the first file. */
  readonly firstOpenedAt: number;
  readonly firstGtidState: string | null;
  /** Id of the lineage before it under the same [primary] name; null for the first one. */
  readonly parent: string | null;
  /** Where history went on from the parent; null: it did not (RESET MASTER, a rebuilt server), and no plan may cross. */
  readonly handOver: HandOver | null;
  readonly createdAt: string;
}

/**
 * A verified failover: the parent's groups before `parent` are exactly those that the new server had at `child`, shown by
 * equal GTID states in both logs.
 */
export interface HandOver {
  /** At both places, as the server writes it. */
  readonly gtidState: string;
  /** A group boundary in the parent lineage. */
  readonly parent: Coordinates;
  /** A group boundary in this lineage; its archive begins at the start of that file, or before. */
  readonly child: Coordinates;
  /** Groups of the parent behind the place: writes that reached only the old primary. */
  readonly stranded: number;
}

/**
 * The lineage that is archived now under a [primary] name: the one that no other one continues. Several are left by a
 * repository that was put together by hand; then the one that began last.
 */
export function currentLineage(lineages: readonly Lineage[], name: string): Lineage | null {
  const ours = lineages.filter((lineage) => lineage.name === name);
  const parents = new Set(ours.map(({ parent }) => parent));
  return ours.findLast(({ id }) => !parents.has(id)) ?? null;
}

/** A lineage that comes after itself, by the records of its parents; null as a rule. No history is like that: a record is wrong. */
export function findOwnAncestor<L extends Pick<Lineage, 'id' | 'parent'>>(lineages: readonly L[]): L | null {
  const parents = new Map(lineages.map(({ id, parent }) => [id, parent]));
  const isOwnAncestor = ({ id, parent }: L): boolean => {
    const seen = new Set<string>();
    for (let at = parent; at !== null && !seen.has(at); at = parents.get(at) ?? null) {
      if (at === id) return true;
      seen.add(at);
    }
    return false;
  };
  return lineages.find(isOwnAncestor) ?? null;
}
