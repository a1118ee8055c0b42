import type { Status } from '../../operations/status.ts';
import { oneLine } from '../../platform/visible.ts';
import type { Cli } from '../cli.ts';
import { findingsText, worstOf } from './findings-text.ts';
import { formatCount, formatSeconds } from './quantity.ts';
import { formatFacts } from './table.ts';
import { formatTime } from './time.ts';

/** Whether data can be brought back, from when to when, and what stands in the way. */
export function statusText(status: Status, paint: Cli['paint']): string {
  const facts = formatFacts([
    ['recovery window', windowText(status)],
    ['exposure', exposureText(status)],
    ['archiver', archiverText(status)],
    ['last backup', backupText(status)],
    ['last rehearsal', rehearsalText(status)],
    ['gaps and breaks', lossesText(status)],
    ['pinned', pinsText(status)],
    ['safe to purge', purgeText(status)],
  ]);
  const findings = findingsText(status.findings, paint);
  return findings === '' ? facts : `${facts}\n\n${findings}`;
}

const KINDS: Readonly<Record<string, string>> = {
  gap: 'gap',
  break: 'break',
  stranded: 'stretch on an old primary only',
  'source-incident': 'incident of the source',
};

function lossesText({ gaps }: Status): string {
  const counts = new Map<string, number>();
  for (const { kind } of gaps) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const words = [...counts].map(
    ([kind, count]) => `${count} ${KINDS[kind] ?? kind}${count === 1 ? '' : ' (each below)'}`,
  );
  return words.length === 0 ? 'none' : words.join(', ');
}

const SHOWN_PINS = 5;

function pinsText({ pins }: Status): string {
  if (pins.length === 0) return 'nothing';
  const shown = pins.slice(-SHOWN_PINS).map(({ id, reason }) => `${id} (${reason})`);
  const rest = pins.length - shown.length;
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** What the primary may remove without a loss for the archive; purging is by prefix. */
function purgeText({ purge }: Status): string {
  if (purge === null) return 'unknown';
  if (purge.safeTo === null) return `nothing yet: ${purge.oldestNeeded ?? 'its oldest file'} is not sealed`;
  return `all before ${purge.safeTo}, once no replica needs it: PURGE BINARY LOGS TO '${purge.safeTo}'`;
}

function windowText({ window: { from, to } }: Status): string {
  return from === null ? "closed: no backup reaches the archive's end" : `${formatTime(from)} to ${formatTime(to)}`;
}

function exposureText({ exposure: { seconds, groups } }: Status): string {
  if (seconds === null || groups === null) return 'unknown';
  if (groups === 0) return 'none: the archive has all that the primary has';
  return `${formatCount(groups, 'transaction')}, ${formatSeconds(seconds)}`;
}

function archiverText({ archiver: { running, file, position, gtid } }: Status): string {
  const place = file === null ? 'nothing archived' : `archive ends at ${file}:${position ?? 0}`;
  return `${running ? 'running' : 'not running'}, ${place}${gtid === null ? '' : `, GTID ${gtid}`}`;
}

function backupText({ lastBackup }: Status): string {
  if (lastBackup === null) return 'none';
  const { id, finishedAt, usable, why } = lastBackup;
  return `${id}, ${formatTime(finishedAt)}, ${usable ? 'usable' : `not usable: ${why ?? 'unknown'}`}`;
}

function rehearsalText({ lastRehearsal }: Status): string {
  if (lastRehearsal === null) return 'none';
  const { startedAt, ok, seconds } = lastRehearsal;
  return `${formatTime(startedAt)}, ${ok ? 'passed' : 'failed'} in ${formatSeconds(seconds.total)}`;
}

/** Exit codes of monitoring plugins. Source: Monitoring Plugins Development Guidelines, "Plugin Return Codes". */
export const NAGIOS_EXIT = { ok: 0, warning: 1, critical: 2, unknown: 3 } as const;

/** One line and an exit code, as monitoring plugins give them; numbers after the bar are for graphs. */
export function nagiosLine(status: Status): { line: string; exitCode: number } {
  const worst = worstOf(status.findings);
  const [word, exitCode] =
    worst === 'error'
      ? (['CRITICAL', NAGIOS_EXIT.critical] as const)
      : worst === 'warning'
        ? (['WARNING', NAGIOS_EXIT.warning] as const)
        : (['OK', NAGIOS_EXIT.ok] as const);
  const reasons = status.findings.filter(({ severity }) => severity === worst).map(({ found }) => found);
  const text = reasons.length === 0 ? `window ${windowText(status)}` : reasons.join('; ');
  return { line: `LASTGOOD ${word} - ${oneLine(text).replaceAll('|', '/')}${graphNumbers(status)}`, exitCode };
}

function graphNumbers({ exposure: { seconds, groups } }: Status): string {
  return seconds === null || groups === null ? '' : ` | exposure_seconds=${seconds}s exposure_groups=${groups}`;
}
