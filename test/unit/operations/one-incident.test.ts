import { describe, expect, it } from 'vitest';
import type { Lineage } from '../../../src/archive/lineage.ts';
import { incidentId, type Incident } from '../../../src/incident/incident.ts';
import { OneIncidents } from '../../../src/operations/one-incident.ts';
import { anIncident } from '../../support/alerts.ts';
import { inMemoryLog } from '../../support/in-memory-log.ts';

const { lineage: plain } = inMemoryLog([[{ gtid: '0-1-1', at: 0 }]]);
const lineageOf = (id: string, serverId: number): Lineage => ({ ...plain, id, serverId });

/** The same server, another one, and the first one again. */
const LINEAGES = [lineageOf('shop-a', 1), lineageOf('shop-b', 2), lineageOf('shop-c', 1)];

function incidentIn(lineage: string, change: Partial<Incident> = {}): Incident {
  const incident = anIncident({ lineage, ...change });
  return { ...incident, id: incidentId(incident) };
}

/** What the lineages are said to hold, asked for one of them. */
function askedFor(incident: Incident, held: readonly Incident[]): ReturnType<OneIncidents['of']> {
  const byId = new Map(held.map((one) => [one.id, one]));
  return new OneIncidents({ lineages: () => LINEAGES, incident: (id) => byId.get(id) ?? null }).of(incident);
}

describe('an incident of a log that was archived anew', () => {
  const [first, again] = [incidentIn('shop-a'), incidentIn('shop-c')];

  it('is the first copy, whichever is asked for', () => {
    for (const incident of [first, again])
      expect(askedFor(incident, [first, again])).toEqual({ incident: first, saidBy: 'shop-a' });
  });

  it.each<[string, Incident]>([
    ['another server', incidentIn('shop-b')],
    ['another transaction at the same place', incidentIn('shop-a', { gtid: '0-1-8' })],
    ['another moment', incidentIn('shop-a', { time: '2026-11-22T10:00:01Z' })],
    ['another statement', incidentIn('shop-a', { statement: 'DROP TABLE `payments`' })],
  ])('is not taken for one of %s', (_what, other) => {
    expect(askedFor(again, [other, again])).toEqual({ incident: again, saidBy: 'shop-c' });
  });

  it('is on its own without a GTID: nothing shows that two are one', () => {
    const [one, other] = [incidentIn('shop-a', { gtid: null }), incidentIn('shop-c', { gtid: null })];
    expect(askedFor(other, [one, other])).toEqual({ incident: other, saidBy: 'shop-c' });
  });

  it.each(['effective', 'rolled-back'] as const)('keeps its id when only the second copy has it %s', (state) => {
    const pending = incidentIn('shop-a', { state: 'pending' });
    const decided = incidentIn('shop-c', { state });
    for (const incident of [pending, decided])
      expect(askedFor(incident, [pending, decided])).toEqual({
        incident: { ...pending, state },
        saidBy: 'shop-c',
      });
  });

  it('stays decided when a copy that is being archived does not have its end yet', () => {
    const decided = incidentIn('shop-a');
    const pending = incidentIn('shop-c', { state: 'pending' });
    expect(askedFor(pending, [decided, pending])).toEqual({ incident: decided, saidBy: 'shop-a' });
  });

  it('is as long as the longest copy of a loop of deletes', () => {
    const loop = { kind: 'mass-delete', groups: 2, lastEnd: 900 } as const;
    const [short, long] = [incidentIn('shop-a', loop), incidentIn('shop-c', { ...loop, groups: 5, lastEnd: 1500 })];
    expect(askedFor(short, [short, long]).incident).toEqual({ ...short, groups: 5, lastEnd: 1500 });
    expect(askedFor(long, [short, long])).toEqual({ ...askedFor(short, [short, long]), saidBy: 'shop-c' });
  });
});
