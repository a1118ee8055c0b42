import type { Catalog } from '../../catalog/catalog.ts';
import type { Incident } from '../../incident/incident.ts';
import { TableSizes } from '../mass-threshold.ts';

/** Small changes may come by the hundred in a second, backups once a day. */
const KEPT_MS = 60_000;

/** How large tables were before an incident, by the backups that the catalog knows. */
export class RecentSizes {
  readonly #catalog: Pick<Catalog, 'backups'>;
  #sizes: TableSizes | null = null;
  #readAt = 0;

  constructor(catalog: Pick<Catalog, 'backups'>) {
    this.#catalog = catalog;
  }

  /** Rows, about; null when that is not known. */
  of(incident: Incident, schema: string, table: string): number | null {
    if (this.#sizes === null || performance.now() - this.#readAt > KEPT_MS) {
      this.#sizes = new TableSizes(this.#catalog.backups());
      this.#readAt = performance.now();
    }
    return this.#sizes.before(incident)(schema, table);
  }
}
