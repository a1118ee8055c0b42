import type { DescribedGroup, TableChanges } from '../../operations/evidence/group-describer.ts';
import type { ShownLoss, ShownTable } from '../../operations/evidence/lost-rows-shown.ts';
import type { ShownRow, ShownValue } from '../../operations/evidence/rows-as.ts';
import type { IncidentStory } from '../../operations/incidents.ts';
import { oneLine } from '../../platform/visible.ts';
import type { Cli } from '../cli.ts';
import { incidentText } from './incident-text.ts';
import { formatTable } from './table.ts';
import { formatTime } from './time.ts';

type Paint = Cli['paint'];

const MOST_VALUE_CHARACTERS = 60;
const MOST_CHARACTERS = 100;

/** One incident: what happened, what was around it, what it destroyed, and how to get it back. */
export function incidentStoryText(story: IncidentStory, paint: Paint): string {
  const { incident, statement, lost, commands } = story;
  return [
    incidentText({ ...incident, statement }, paint),
    '',
    aroundText(story, paint),
    '',
    ...lossLines(lost),
    '',
    'To bring the data back, first see what a restore would do, then do it:',
    ...commands.map((command) => `  ${command}`),
  ].join('\n');
}

/** The groups on both sides, with the incident's own place between them. */
function aroundText({ incident, around }: IncidentStory, paint: Paint): string {
  const { before, after } = around;
  const mark = [
    paint('red', '>'),
    `${incident.file}:${incident.start}`,
    incident.gtid ?? '',
    formatTime(incident.time),
    '',
    paint('red', incident.kind),
  ];
  const rows = [...before.map(groupCells), mark, ...after.map(groupCells)];
  const columns = ['', 'group', 'gtid', 'time', 'events', 'what'].map((title) => ({
    title,
    align: title === 'events' ? ('right' as const) : ('left' as const),
  }));
  const nothing = after.length === 0 ? ['nothing follows in the archive'] : [];
  return ['Around it:', indent([formatTable(columns, rows), ...nothing].join('\n'))].join('\n');
}

function groupCells({ file, start, gtid, time, events, statements, changes }: DescribedGroup): string[] {
  const [statement] = statements;
  const touched = changes.map(changesText).join('; ');
  const what = [touched, statement === undefined ? '' : withoutBreaks(statement)]
    .filter((part) => part !== '')
    .join('  ');
  return ['', `${file}:${start}`, gtid ?? '', formatTime(time), String(events), shorten(what, MOST_CHARACTERS)];
}

function changesText({ schema, table, inserts, updated, deleted }: TableChanges): string {
  const done = [inserts > 0 ? 'inserted' : '', counted(updated, 'updated'), counted(deleted, 'deleted')];
  return `${schema}.${table}: ${done.filter((part) => part !== '').join(', ')}`;
}

function counted(count: number, done: string): string {
  return count === 0 ? '' : `${count} ${done}`;
}

function lossLines({ tables, rows, more, why }: ShownLoss): string[] {
  if (why !== null) return [oneLine(`Rows: ${why}.`)];
  const shown = rows.length === 0 ? [] : ['Rows it destroyed, as they were before:', ...rows.map(rowText)];
  return [
    ...tables.flatMap(tableLines).map(oneLine),
    ...shown.map(oneLine),
    ...(more ? ['  ... and more: --rows N shows them'] : []),
  ];
}

function tableLines({ schema, table, names, whole, notes }: ShownTable): string[] {
  const from =
    names === null
      ? 'its columns are not known and only numbered, so no SQL can put its rows back'
      : `columns as in ${names.from}`;
  const part = whole ? [] : ['the log holds its rows only in part (binlog_row_image is not FULL)'];
  return [`Table ${schema}.${table}: ${from}`, ...[...part, ...notes].map((note) => `  ${note}`)];
}

function rowText({ change, schema, table, before, after }: ShownRow): string {
  const image = (values: Readonly<Record<string, ShownValue>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name}=${valueText(value)}`)
      .join(' ');
  const became = after === null ? '' : `  became ${image(after)}`;
  return `  ${change} ${schema}.${table}  ${image(before)}${became}`;
}

function valueText(value: ShownValue): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : shorten(JSON.stringify(value), MOST_VALUE_CHARACTERS);
}

function withoutBreaks(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function indent(text: string): string {
  return `  ${text.replaceAll('\n', '\n  ')}`;
}
