import type { Incident, IncidentObject } from '../../incident/incident.ts';
import type { IncidentStory } from '../../operations/incidents.ts';
import type { PlacedGroup } from '../../recovery/neighbours.ts';
import type { Cli } from '../cli.ts';
import { formatCount } from './quantity.ts';
import { formatFacts } from './table.ts';
import { formatTime } from './time.ts';

type Paint = Cli['paint'];

/** One incident: what it destroyed, where it stands, and what the last good state before it is. */
function incidentText(incident: Incident, paint: Paint, more: readonly [string, string][] = []): string {
  const { id, kind, state, suspicious, file, start, end, gtid } = incident;
  const mark = state === 'effective' ? paint('red', kind) : paint('yellow', `${kind} (${state})`);
  const facts: [string, string][] = [
    ['statement', incident.statement],
    ['at', `${file}:${start}-${end}${gtid === null ? '' : `, GTID ${gtid}`}`],
    ['time', formatTime(incident.time)],
    ['by', `thread ${incident.threadId ?? 'unknown'} on server ${incident.serverId}`],
    ['last good', lastGoodText(incident)],
    ...more,
  ];
  const title = `${paint('bold', id)}  ${mark}  ${objectsText(incident.objects)}${suspicious ? '  (suspicious)' : ''}`;
  return [title, indent(formatFacts(facts))].join('\n');
}

/** All incidents, or the sentence that there are none. */
export function incidentsText(incidents: readonly Incident[], paint: Paint): string {
  if (incidents.length === 0) return 'no incidents found';
  const blocks = incidents.map((incident) => incidentText(incident, paint));
  return [...blocks, formatCount(incidents.length, 'incident')].join('\n\n');
}

/** One incident, what came after it in the log, and how to get back before it. */
export function incidentStoryText({ incident, after }: IncidentStory, paint: Paint): string {
  return [
    incidentText(incident, paint, [['after it', placedGroupText(after)]]),
    '',
    'To bring the data back, first see what a restore would do, then do it:',
    `  lastgood plan --before ${incident.id}`,
    `  lastgood restore --before ${incident.id} --datadir /path/to/new/folder`,
  ].join('\n');
}

function placedGroupText(group: PlacedGroup | null): string {
  if (group === null) return 'nothing in the archive';
  const { file, start, end, gtid, time } = group;
  return `${file}:${start}-${end}${gtid === null ? '' : `, GTID ${gtid}`}, ${formatTime(time)}`;
}

/** `shop`, `shop.orders`, or the first few of many. */
function objectsText(objects: readonly IncidentObject[]): string {
  const shown = objects.slice(0, 5).map(({ schema, name }) => (name === null ? schema : `${schema}.${name}`));
  const rest = objects.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ');
}

function lastGoodText({ lastGood }: Incident): string {
  if (lastGood === null) return 'before the first group of this file';
  const gtid = lastGood.gtid === null ? '' : `, GTID ${lastGood.gtid}`;
  return `${lastGood.file}:${lastGood.end}${gtid}, ${formatTime(lastGood.time)}`;
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
