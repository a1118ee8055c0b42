import type { Catalog } from '../../catalog/catalog.ts';
import type { Incident } from '../../incident/incident.ts';
import type { Logger } from '../../platform/logger.ts';
import { isLoud, isWanted } from './alert-rules.ts';
import type { AlertSettings } from './alert-settings.ts';
import { RecentSizes } from './recent-sizes.ts';

/** Says of each incident whether somebody is to be told. One that cannot be judged is told: better one alert too many than none. */
export class AlertJudge {
  readonly #settings: AlertSettings;
  readonly #sizes: RecentSizes;
  readonly #log: Logger;

  constructor({ settings, catalog, log }: { settings: AlertSettings; catalog: Pick<Catalog, 'backups'>; log: Logger }) {
    this.#settings = settings;
    this.#sizes = new RecentSizes(catalog);
    this.#log = log;
  }

  /** It took effect or may, and that is wanted for one of its objects. */
  isAlerting(incident: Incident): boolean {
    return isLoud(incident.state) && this.isWanted(incident);
  }

  /** What the rules say of it, whatever its state. */
  isWanted(incident: Incident): boolean {
    const { rules, mass } = this.#settings;
    try {
      return isWanted(incident, { rules, mass, sizeOf: (schema, table) => this.#sizes.of(incident, schema, table) });
    } catch (error) {
      this.#log.error(
        { err: error, incident: incident.id },
        'an incident could not be judged: it counts as one to tell',
      );
      return true;
    }
  }
}
