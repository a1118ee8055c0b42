import type { ScannedFile, ScanResult } from '../../operations/scan.ts';
import type { Cli } from '../cli.ts';
import { incidentsText } from './incident-text.ts';
import { formatBytes, formatNumber } from './quantity.ts';
import { formatTable } from './table.ts';
import { formatTime } from './time.ts';

/** What was read, what is wrong with it, and what was destroyed in it. */
export function scanText({ files, incidents }: ScanResult, paint: Cli['paint']): string {
  const problems = files.flatMap(({ path, problems: found }) =>
    found.map(({ offset, problem }) => paint('red', `damaged: ${path} at ${offset}: ${problem}`)),
  );
  const parts = [filesTable(files), problems.join('\n'), incidentsText(incidents, paint)];
  return parts.filter((part) => part !== '').join('\n\n');
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
