import { parseGtid, parseGtidState } from '../binlog/gtid-text.ts';
import type { Incident } from '../incident/incident.ts';
import type { Plan, PlanSegment } from './plan.ts';
import { describeObject, findObject, type RestoredObjects } from './proof-objects.ts';
import type { ProofCheck } from './proof.ts';
import type { Replayed } from './replay.ts';

/** That what was to be left out was left out, one check for each. Pure. */
export function proveSkips(plan: Plan, replayed: Replayed, restored: RestoredObjects): ProofCheck[] {
  return plan.skipped.map((incident) => {
    const trace = findTrace(plan, incident, replayed);
    return {
      check: `${incident.kind} ${incident.id} was skipped`,
      ok: trace === null,
      found: trace ?? describeLeft(incident, restored),
    };
  });
}

/** Where the incident shows in what was done; null when it does not. */
function findTrace(plan: Plan, { lineage, file, start, end, gtid }: Incident, replayed: Replayed): string | null {
  const skipped = [{ lineage, file, from: start, to: end }, ...plan.skippedSegments];
  const part = plan.segments.find((segment) => skipped.some((other) => overlap(segment, other)));
  if (part !== undefined) return `${part.file} was replayed from ${part.from} to ${part.to}`;
  // A MariaDB position tells only the last of each domain; there, counting groups is the proof.
  if (gtid === null || plan.backup.flavor === 'mariadb') return null;
  const state = parseGtidState(plan.backup.flavor, replayed.gtidState);
  return state.contains(parseGtid(gtid)) ? `${gtid} was applied` : null;
}

interface Stretch extends Pick<PlanSegment, 'file' | 'from' | 'to'> {
  readonly lineage: string | null;
}

function overlap(a: Stretch, b: Stretch): boolean {
  return a.lineage === b.lineage && a.file === b.file && a.from < b.to && b.from < a.to;
}

/** A later group may have taken away what this one would have: what is there is told, not judged. */
function describeLeft({ objects }: Incident, restored: RestoredObjects): string {
  const known = objects.filter(({ type }) => type === 'database' || type === 'table');
  const found = known.map((object) => `${describeObject(object)}: ${findObject(object, restored).found}`);
  return found.length === 0 ? 'it is in no replayed part of the log' : found.join('; ');
}
