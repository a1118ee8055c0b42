import type { Incident, IncidentKind } from '../incident/incident.ts';
import { nameOf } from './consequences/touch.ts';
import type { PlanConflict } from './plan.ts';

/** After these the same may come again: a schema that a salvage made anew, rows with their old keys. */
const CAN_COME_BACK: ReadonlySet<IncidentKind> = new Set<IncidentKind>([
  ...(['drop-database', 'drop-table', 'truncate-table', 'mass-delete', 'drop-sequence', 'drop-view'] as const),
  ...(['drop-trigger', 'drop-routine', 'drop-event', 'drop-user'] as const),
]);

/**
 * A sentence for who wants to leave out what was mended since: the log has that, and needs no skip. '' where nothing of it comes
 * again behind the incident.
 */
export function ifBroughtBack(incident: Incident, conflicts: readonly PlanConflict[]): string {
  if (!CAN_COME_BACK.has(incident.kind)) return '';
  const again = conflicts.find(
    ({ skipped, kind, object }) => skipped === incident.id && kind === 'fails' && isOf(incident, object),
  );
  if (again === undefined) return '';
  const place = again.gtid ?? `${again.file}:${again.start}`;
  return `If ${place} brought back what was lost, as a salvage does, the same target without --skip has it. `;
}

function isOf({ objects }: Incident, object: string): boolean {
  return objects.some(
    (lost) => object === nameOf(lost) || (lost.name === null && object.startsWith(`${lost.schema}.`)),
  );
}
