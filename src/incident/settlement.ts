import { compareCoordinates } from '../binlog/coordinates.ts';
import type { Incident } from './incident.ts';

/** The place of a group that decided about an earlier one. */
export interface SettledBy {
  readonly file: string;
  /** `[start, end)` of the whole group, bytes. */
  readonly start: number;
  readonly end: number;
  readonly gtid: string | null;
  /** RFC 3339, UTC. */
  readonly time: string;
}

/** A group that decides about the newest group before it that awaits `key`, in its own file or in an earlier one. */
export interface Settlement extends SettledBy {
  readonly key: string;
  readonly state: 'effective' | 'rolled-back';
}

/** A server that starts anew has undone each ALTER that had begun; prepared XA transactions stay. */
export const EVERY_ALTER = 'ALTER *';
export const ALTER = 'ALTER ';

/** True when everything from the first file to the second was read whole: between them nothing can be hidden. */
export type IsUnbroken = (from: string, to: string) => boolean;

/**
 * Lets settlements decide about the incidents of one lineage. The same whatever files they were found in, and in
 * whatever order these were read. Ids of transactions are used again: behind a hole in the log the same id may be another
 * transaction's, so what began before it stays as it is, for good.
 *
 * @param incidents as the finder gave them
 * @returns in log order; without those that only repeat what an earlier incident began
 */
export function settle(
  incidents: readonly Incident[],
  settlements: readonly Settlement[],
  isUnbroken: IsUnbroken,
): Incident[] {
  if (settlements.length === 0) return [...incidents];
  const result: Incident[] = [];
  /** Where in `result` the newest incident is that awaits a key. */
  const awaiting = new Map<string, number>();
  let decided: SettledBy | null = null;
  for (const step of inLogOrder(incidents, settlements)) {
    if (isSettlement(step)) {
      for (const key of keysOf(step, awaiting)) {
        const index = awaiting.get(key) ?? -1;
        awaiting.delete(key);
        const incident = result[index];
        if (incident === undefined || !isUnbroken(incident.file, step.file)) continue;
        result[index] = settled(incident, step);
        decided = step;
      }
    } else if (decided?.file !== step.file || decided.start !== step.start) {
      if (step.awaits !== null) awaiting.set(step.awaits, result.length);
      result.push(step);
    }
  }
  return result;
}

/** A settlement comes before an incident at its place, which says the same once more. */
function inLogOrder(
  incidents: readonly Incident[],
  settlements: readonly Settlement[],
): readonly (Incident | Settlement)[] {
  const place = ({ file, start }: SettledBy | Incident): { file: string; position: number } => ({
    file,
    position: start,
  });
  return [...settlements, ...incidents].sort((a, b) => compareCoordinates(place(a), place(b)));
}

function isSettlement(step: Incident | Settlement): step is Settlement {
  return 'key' in step;
}

function keysOf({ key }: Settlement, awaiting: ReadonlyMap<string, number>): string[] {
  if (key === EVERY_ALTER) return [...awaiting.keys()].filter((one) => one.startsWith(ALTER));
  return awaiting.has(key) ? [key] : [];
}

function settled(incident: Incident, settlement: Settlement): Incident {
  const { file, start, end, gtid, time } = settlement;
  return { ...incident, state: stateAfter(incident, settlement), settledBy: { file, start, end, gtid, time } };
}

/** What may have taken effect before it was decided about stays unknown when it is rolled back. */
function stateAfter({ kind, state }: Incident, settlement: Settlement): Incident['state'] {
  if (settlement.state === 'rolled-back') return state === 'pending' ? 'rolled-back' : state;
  return kind === 'unclassified' ? 'unknown' : 'effective';
}
