import { formatCoordinates } from '../../binlog/coordinates.ts';
import type { Incident, IncidentObject } from '../../incident/incident.ts';
import { objectName } from '../../incident/object-name.ts';
import { shownStatement } from '../../incident/shown-statement.ts';
import { oneLine } from '../../platform/visible.ts';
import type { Cli } from '../cli.ts';
import { formatCount } from './quantity.ts';
import { formatFacts } from './table.ts';
import { formatTime } from './time.ts';

type Paint = Cli['paint'];

/** One incident: what it destroyed, where it stands, and what the last good state before it is. */
export function incidentText(incident: Incident, paint: Paint): string {
  const { id, kind, state, suspicious, file, start, end, gtid } = incident;
  const mark = state === 'effective' ? paint('red', kind) : paint('yellow', `${kind} (${state})`);
  const facts: [string, string][] = [
    ['statement', shownStatement(incident)],
    ['at', `${file}:${start}-${end}${gtid === null ? '' : `, GTID ${gtid}`}`],
    ['time', formatTime(incident.time)],
    ['by', `thread ${incident.threadId ?? 'unknown'} on server ${incident.serverId}`],
    ...rowsFacts(incident),
    ...settledFacts(incident),
    ['last good', lastGoodText(incident)],
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

/** How many rows it took, in one group or a loop of them, and what foreign keys may have taken beside. */
function rowsFacts({ rows, groups = 1, cascades, loop: whole }: Incident): [string, string][] {
  const counts = [formatChange(rows.deleted, 'deleted'), formatChange(rows.updated, 'updated')].filter(Boolean);
  const least = rows.atLeast === true ? 'at least ' : '';
  const loop = groups > 1 ? ` in ${formatCount(groups, 'transaction')}` : '';
  const rowsFact: [string, string][] = counts.length === 0 ? [] : [['rows', `${least}${counts.join(', ')}${loop}`]];
  if (whole !== undefined) rowsFact.push(['part of', loopText(whole)]);
  if (cascades === undefined) return rowsFact;
  const children = cascades === true ? 'tables that the log does not name' : cascades.map(objectName).join(', ');
  return [...rowsFact, ['cascades', `foreign keys may have changed rows of ${children}, which are not in the log`]];
}

/** Whoever wants back all that it took must go back to where it began, which may be in an earlier file. */
function loopText({ deleted, groups, from, to }: NonNullable<Incident['loop']>): string {
  const what = `${formatCount(deleted, 'row')} in ${formatCount(groups, 'transaction')}`;
  return `a loop over several files: ${what}, from ${formatCoordinates(from)} to ${formatCoordinates(to)}`;
}

function formatChange(count: number, done: string): string {
  return count === 0 ? '' : `${formatCount(count, 'row')} ${done}`;
}

function settledFacts({ settledBy }: Incident): [string, string][] {
  if (settledBy === null) return [];
  const { file, start, end, gtid, time } = settledBy;
  return [['settled by', `${file}:${start}-${end}${gtid === null ? '' : `, GTID ${gtid}`}, ${formatTime(time)}`]];
}

/** `shop`, `shop.orders`, or the first few of many. */
function objectsText(objects: readonly IncidentObject[]): string {
  const shown = objects.slice(0, 5).map(objectName);
  const rest = objects.length - shown.length;
  return oneLine(rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', '));
}

function lastGoodText({ lastGood }: Incident): string {
  if (lastGood === null) return 'before the first group of this file';
  const gtid = lastGood.gtid === null ? '' : `, GTID ${lastGood.gtid}`;
  return `${lastGood.file}:${lastGood.end}${gtid}, ${formatTime(lastGood.time)}`;
}

function indent(text: string): string {
  return `  ${text.replaceAll('\n', '\n  ')}`;
}

/** That there is more than is listed: what is only suspected may be what is looked for. */
export function unlistedText(more: number): string {
  if (more === 0) return '';
  return `${formatCount(more, 'more', 'more')} not listed (suspected, rolled back, without effect, or few rows): add --all`;
}
