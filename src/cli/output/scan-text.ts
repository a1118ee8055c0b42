import type { Incident } from '../../incident/incident.ts';
import type { ScanResult } from '../../operations/scan.ts';
import type { ScannedFile } from '../../operations/scan/scan-file.ts';
import { oneLine } from '../../platform/visible.ts';
import type { Cli } from '../cli.ts';
import { incidentsText } from './incident-text.ts';
import { formatBytes, formatNumber } from './quantity.ts';
import { formatTable } from './table.ts';
import { formatTime } from './time.ts';

/** What was read, what is wrong with it, and what was destroyed in it. */
export function scanText({ files, incidents }: ScanResult, paint: Cli['paint']): string {
  const problems = files.flatMap(({ path, problems: found }) =>
    found.map(({ offset, problem }) => paint('red', oneLine(`damaged: ${path} at ${offset}: ${problem}`))),
  );
  const parts = [filesTable(files), problems.join('\n'), incidentsText(incidents, paint), summary(incidents)];
  return parts.filter((part) => part !== '').join('\n\n');
}

/** What a tired person needs of a long list: how much of what, and where to cut before the newest. */
function summary(incidents: readonly Incident[]): string {
  const newest = incidents.findLast(({ state }) => state === 'effective' || state === 'pending');
  if (newest === undefined) return '';
  const counts = new Map<string, number>();
  for (const { kind } of incidents) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kinds = [...counts].map(([kind, count]) => `${formatNumber(count)} ${kind}`).join(', ');
  return [
    `found: ${kinds}`,
    `the newest that took effect: ${newest.id}, ${newest.kind} at ${formatTime(newest.time)}`,
    `to replay everything before it by hand: end ${newest.file} at --stop-position=${newest.start}`,
  ].join('\n');
}

function filesTable(files: readonly ScannedFile[]): string {
  return formatTable(
    [
      { title: 'file' },
      { title: 'server' },
      { title: 'size', align: 'right' },
      { title: 'transactions', align: 'right' },
      { title: 'from' },
      { title: 'to' },
      { title: 'end' },
    ],
    files.map(({ path, server, bytes, groups, firstTime, lastTime, end }) => [
      path,
      server ?? 'unknown',
      formatBytes(bytes),
      formatNumber(groups),
      firstTime === null ? '' : formatTime(firstTime),
      lastTime === null ? '' : formatTime(lastTime),
      end,
    ]),
  );
}
