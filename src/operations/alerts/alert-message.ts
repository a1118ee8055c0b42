import { formatCoordinates } from '../../binlog/coordinates.ts';
import type { Incident, IncidentObject } from '../../incident/incident.ts';
import { objectName } from '../../incident/object-name.ts';
import { shownStatement } from '../../incident/shown-statement.ts';
import type { Together } from './alert-queue.ts';
import type { RecoveryFacts } from './recovery-facts.ts';

/** What a channel gets: one JSON document. `text` says it all to a person, and is what chat services show. */
export interface AlertMessage {
  readonly text: string;
  /** The same for the same alert, also when it is sent again. */
  readonly key: string;
  readonly alert: 'incident' | 'incidents' | 'withdrawn';
  /** `primary.name`. */
  readonly primary: string;
  /** Null when it tells of several. */
  readonly incident: Incident | null;
  /** Null when there is one, or nothing to bring back. */
  readonly recovery: (RecoveryFacts & { readonly plan: string; readonly show: string }) | null;
  /** Of several. */
  readonly summary: IncidentsSummary | null;
  /** RFC 3339, UTC. */
  readonly sentAt: string;
}

/** Many incidents in one alert. */
export interface IncidentsSummary {
  readonly incidents: number;
  readonly kinds: Readonly<Record<string, number>>;
  /** RFC 3339, UTC. */
  readonly from: string;
  readonly to: string;
  /** The first of them. */
  readonly ids: readonly string[];
}

/** An alert's key: one incident alerts once in each state. */
export function alertKey({ id, state }: Pick<Incident, 'id' | 'state'>): string {
  return `${id}-${state}`;
}

/** What every message with commands needs. */
interface About {
  /** `primary.name`. */
  readonly primary: string;
  /** Gives the commands in our words what they need to run as they stand. */
  readonly runnable: (text: string) => string;
  readonly at: Date;
}

/** Of one incident that took effect or may. */
export function incidentMessage(
  incident: Incident,
  { primary, recovery: { why, ...facts }, runnable, at }: About & { recovery: RecoveryFacts },
): AlertMessage {
  const { id, lastGood } = incident;
  const recovery = { why: why === null ? null : runnable(why), ...facts };
  const plan = runnable(`lastgood plan --before ${id}`);
  const lines = [
    `lastgood: ${incident.kind} ${namesOf(incident.objects)} ${STATES[incident.state]} on ${primary} at ${incident.time} (${id})`,
    `statement: ${shownStatement(incident)}`,
    ...rowLines(incident),
    `where: ${incident.file}:${incident.start}-${incident.end}${gtidText(incident.gtid)}, thread ${incident.threadId ?? 'unknown'} on server ${incident.serverId}`,
    ...(lastGood === null ? [] : [`last good: ${lastGood.file}:${lastGood.end}${gtidText(lastGood.gtid)}`]),
    ...recoveryLines(recovery),
    `recovery: ${plan}`,
  ];
  return {
    text: lines.map(oneLine).join('\n'),
    key: alertKey(incident),
    alert: 'incident',
    primary,
    incident,
    recovery: { plan, show: runnable(`lastgood incidents show ${id}`), ...recovery },
    summary: null,
    sentAt: at.toISOString(),
  };
}

/** The calm end of an alert about something that was pending. */
export function withdrawnMessage(incident: Incident, { primary, at }: { primary: string; at: Date }): AlertMessage {
  const what = `${incident.kind} ${namesOf(incident.objects)}`;
  const text = oneLine(`lastgood: ${what} on ${primary} did not happen: it was rolled back (${incident.id})`);
  const rest = { recovery: null, summary: null, sentAt: at.toISOString() };
  return { text, key: alertKey(incident), alert: 'withdrawn', primary, incident, ...rest };
}

/** Of many incidents at once. */
export function togetherMessage(
  { count, kinds, first, last, ids }: Together,
  { primary, runnable, at }: About,
): AlertMessage {
  const counted = [...kinds].map(([kind, times]) => `${times} ${kind}`).join(', ');
  const more = count > ids.length ? `, and ${count - ids.length} more` : '';
  const lines = [
    `lastgood: ${count} incident${count === 1 ? '' : 's'} on ${primary} from ${first.time} to ${last.time}: ${counted}`,
    `${ids.join(', ')}${more}`,
    `list: ${runnable(`lastgood incidents --since ${first.time}`)}`,
    `recovery: ${runnable(`lastgood plan --before ${first.id}`)}`,
  ];
  return {
    text: lines.map(oneLine).join('\n'),
    key: `${first.id}-to-${last.id}`,
    alert: 'incidents',
    primary,
    incident: null,
    recovery: null,
    summary: { incidents: count, kinds: Object.fromEntries(kinds), from: first.time, to: last.time, ids },
    sentAt: at.toISOString(),
  };
}

const STATES: Readonly<Record<Incident['state'], string>> = {
  effective: 'took effect',
  pending: 'is prepared, and not committed yet,',
  unknown: 'may have taken effect',
  'rolled-back': 'was rolled back',
  'no-op': 'did nothing',
};

function rowLines({ rows: { deleted, updated, atLeast }, loop }: Incident): string[] {
  if (deleted + updated === 0) return [];
  const rows = `rows: ${atLeast === true ? 'at least ' : ''}${deleted} deleted, ${updated} updated`;
  if (loop === undefined) return [rows];
  return [rows, `part of a loop of deletes: ${loop.deleted} rows so far, from ${formatCoordinates(loop.from)} on`];
}

function recoveryLines({ reachable, why, backup, pinned }: RecoveryFacts): string[] {
  if (reachable === false) return [`NO RESTORE CAN REACH THE MOMENT BEFORE IT: ${why ?? 'unknown'}`];
  if (reachable === null) return [`whether a restore reaches it is not known yet: ${why ?? 'unknown'}`];
  return [`backup: ${backup?.id ?? ''} of ${backup?.finishedAt ?? ''}${pinned ? ', pinned' : ', NOT PINNED'}`];
}

const SHOWN_OBJECTS = 5;

function namesOf(objects: readonly IncidentObject[]): string {
  const names = objects.map(objectName);
  const rest = names.length - SHOWN_OBJECTS;
  return `${names.slice(0, SHOWN_OBJECTS).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

function gtidText(gtid: string | null): string {
  return gtid === null ? '' : `, GTID ${gtid}`;
}

/** Names and statements are whatever someone wrote: they make no lines of their own. */
function oneLine(text: string): string {
  return text.replaceAll(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ');
}
