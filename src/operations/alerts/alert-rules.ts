import type { Incident, IncidentKind, IncidentObject, IncidentState } from '../../incident/incident.ts';
import { STAGING_PREFIX } from '../../recovery/staging-name.ts';
import { isSmallMass, type TableSize } from '../mass-threshold.ts';
import type { AlertRule, AlertSettings } from './alert-settings.ts';
import { matchesGlob } from './glob.ts';

/** Definitions that every deployment makes anew, and a name that moved: listed, but nobody is woken for them unless a rule says so. */
export const QUIET_KINDS: readonly IncidentKind[] = [
  'drop-view',
  'drop-trigger',
  'drop-routine',
  'drop-event',
  'rename-table',
];

/** It happened, or may have, or may yet. */
const LOUD_STATES: readonly IncidentState[] = ['effective', 'pending', 'unknown'];

type Judged = Pick<Incident, 'kind' | 'suspicious' | 'objects' | 'rows' | 'loop'>;

interface Rules extends Pick<AlertSettings, 'rules' | 'mass'> {
  /** How large tables were; without it that is not known. */
  readonly sizeOf?: TableSize;
}

/** True unless it came to nothing: then nobody is alerted of it. */
export function isLoud(state: IncidentState): boolean {
  return LOUD_STATES.includes(state);
}

/** What the rules say of an incident, whatever its state. A rule that keeps one object quiet says nothing of the others. */
export function isWanted(incident: Judged, { rules, mass, sizeOf }: Rules): boolean {
  if (isSmallMass(incident, mass, sizeOf)) return false;
  const objects: readonly (IncidentObject | null)[] = incident.objects.length === 0 ? [null] : incident.objects;
  return objects.some((object) => {
    const rule = rules.find((candidate) => matches(candidate, incident.kind, object));
    return rule === undefined ? isLoudByDefault(incident, object) : rule.alert;
  });
}

function isLoudByDefault({ kind, suspicious }: Judged, object: IncidentObject | null): boolean {
  return !suspicious && !QUIET_KINDS.includes(kind) && !isCopy(object);
}

/** A salvage's own schema goes when it is done with it: nothing else is ever in it. */
function isCopy(object: IncidentObject | null): boolean {
  return object?.schema.startsWith(STAGING_PREFIX) === true;
}

function matches({ kinds, schemas, tables }: AlertRule, kind: IncidentKind, object: IncidentObject | null): boolean {
  if (kinds !== null && !kinds.includes(kind)) return false;
  return isLike(object?.schema ?? null, schemas) && isLike(object?.name ?? null, tables);
}

/** What has no name is like no pattern: a rule about tables does not keep quiet that a whole schema went. */
function isLike(name: string | null, patterns: readonly string[] | null): boolean {
  return patterns === null || (name !== null && patterns.some((pattern) => matchesGlob(name, pattern)));
}
