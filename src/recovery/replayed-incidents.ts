import type { Incident, IncidentObject } from '../incident/incident.ts';
import { objectName } from '../incident/object-name.ts';
import type { PlanSegment } from './plan.ts';
import { STAGING_PREFIX } from './staging-name.ts';

/** Warnings about incidents that a plan brings again; not about what a salvage of ours did in its own schema. Pure. */
export function replayedWarnings(incidents: readonly Incident[], segments: readonly PlanSegment[]): string[] {
  const replayed = incidents.filter(({ lineage, file, start }) =>
    segments.some((part) => part.lineage === lineage && part.file === file && part.from <= start && start < part.to),
  );
  return replayed.filter((incident) => !isOfSalvage(incident)).map(replayedWarning);
}

/**
 * A plan's warnings without those about incidents of other schemas alone: where only some are restored, nothing comes of these.
 *
 * @param schemas that are restored, in lower case
 */
export function warningsWithin(
  warnings: readonly string[],
  o: { incidents: readonly Incident[]; schemas: readonly string[] },
): string[] {
  const isOther = ({ schema }: IncidentObject): boolean => schema !== '' && !o.schemas.includes(schema.toLowerCase());
  const others = o.incidents.filter(({ objects }) => objects.length > 0 && objects.every(isOther));
  const quiet = new Set(others.map(replayedWarning));
  return warnings.filter((warning) => !quiet.has(warning));
}

function replayedWarning({ id, kind, time, objects }: Incident): string {
  const names = objects.map(objectName).join(', ');
  return `incident ${id} (${kind} ${names} at ${time}) is before the target: it is replayed, what it destroyed stays lost; --skip ${id} leaves it out`;
}

/** Tables that it moved to their place, and the empty schema that it dropped then: nothing was lost. */
function isOfSalvage({ kind, objects }: Incident): boolean {
  if (kind !== 'rename-table' && kind !== 'drop-database') return false;
  return objects.length > 0 && objects.every(({ schema }) => schema.startsWith(STAGING_PREFIX));
}
