import type { Verification } from '../../operations/verify.ts';
import type { Cli } from '../cli.ts';
import { findingsText } from './findings-text.ts';
import { formatBytes, formatCount, formatSeconds } from './quantity.ts';

/** What was read, what is wrong with it, and the verdict in one line. */
export function verificationText({ findings, summary }: Verification, paint: Cli['paint']): string {
  const { lineages, segments, bytes, groups, backups, seconds, errors, warnings } = summary;
  const read = [
    formatCount(lineages, 'lineage'),
    `${formatCount(segments, 'segment')} (${formatBytes(bytes)})`,
    formatCount(groups, 'transaction'),
    formatCount(backups, 'backup'),
  ].join(', ');
  const verdict =
    errors === 0 && warnings === 0
      ? paint('green', 'everything is as it was written')
      : `${formatCount(errors, 'error')}, ${formatCount(warnings, 'warning')}`;
  return [`read ${read} in ${formatSeconds(seconds)}`, findingsText(findings, paint), verdict]
    .filter((part) => part !== '')
    .join('\n\n');
}
