/**
 * One incident, one id. A server that is archived anew, after another one was archived under its name, gives a second lineage with
 * the same groups. Enters: an incident of either. Leaves: the one that is told of, always under the id that it had first.
 */
import type { Lineage } from '../archive/lineage.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { incidentId, type Incident } from '../incident/incident.ts';

/** An incident under its first id, as far as any archived copy of its log knows it. */
export interface OneIncident {
  readonly incident: Incident;
  /** The lineage whose log says so much; null where the incident is of none. */
  readonly saidBy: string | null;
}

/** The incidents of one place in one server's log, as one. Lineages in the order they began. */
export class OneIncidents {
  readonly #catalog: Pick<Catalog, 'incident' | 'lineages'>;
  #lineages: readonly Lineage[] = [];

  constructor(catalog: Pick<Catalog, 'incident' | 'lineages'>) {
    this.#catalog = catalog;
  }

  /** Looks each copy up by its id, which its place gives. */
  of(incident: Incident): OneIncident {
    const alone = { incident, saidBy: incident.lineage };
    if (incident.gtid === null || incident.lineage === null) return alone;
    const own = this.#lineageOf(incident.lineage);
    if (own === null) return alone;
    const places = this.#lineages.filter((lineage) => isSameServer(lineage, own)).map(({ id }) => id);
    const copies = places.map((id) => (id === own.id ? incident : this.#copyIn(id, incident)));
    return asOne(copies.filter((copy) => copy !== null)) ?? alone;
  }

  #copyIn(lineage: string, incident: Incident): Incident | null {
    const found = this.#catalog.incident(incidentId({ ...incident, lineage }));
    return found !== null && sameGroup(found) === sameGroup(incident) ? found : null;
  }

  #lineageOf(id: string): Lineage | null {
    const find = (): Lineage | undefined => this.#lineages.find((lineage) => lineage.id === id);
    if (find() === undefined) this.#lineages = this.#catalog.lineages();
    return find() ?? null;
  }
}

/**
 * Puts copies of one incident, in the order of their lineages, together: the place and the id are the first one's, what became of it
 * is what the copy says that knows most. null of none.
 */
export function asOne(copies: readonly Incident[]): OneIncident | null {
  const [first] = copies;
  if (first === undefined) return null;
  const best = copies.reduce((known, copy) => (knowsMore(copy, known) ? copy : known), first);
  if (best === first) return { incident: first, saidBy: first.lineage };
  const { id, lineage, lastGood } = first;
  return { incident: { ...best, id, lineage, lastGood }, saidBy: best.lineage };
}

/** Equal for copies of one group in logs of one server. Without a GTID nothing shows that two are one. */
export function sameGroup({ file, start, end, gtid, time, kind, statement }: Incident): string {
  return JSON.stringify([file, start, end, gtid, time, kind, statement]);
}

/** What a lineage says of its server, in one word; equal for lineages of one server. */
export function serverOf({ flavor, serverId, serverUuid }: Lineage): string {
  return `${flavor} ${serverId} ${serverUuid ?? ''}`;
}

function isSameServer(a: Lineage, b: Lineage): boolean {
  return serverOf(a) === serverOf(b);
}

/** A lineage may end before a prepared transaction is decided, or before a loop of deletes ends. */
function knowsMore(a: Incident, b: Incident): boolean {
  const decided = Number(a.state !== 'pending') - Number(b.state !== 'pending');
  return decided === 0 ? (a.lastEnd ?? a.end) > (b.lastEnd ?? b.end) : decided > 0;
}
