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
  readonly parent: string | null;
  readonly createdAt: string;
}
