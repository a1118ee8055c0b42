import { dirname, join } from 'node:path';
import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { Repository } from '../archive/repository.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import { makeDirectory, writeFileDurably } from '../platform/durable-file.ts';
import type { RestoreResult } from './restore.ts';

/** What a report tells. */
export type RehearsalOutcome = RestoreResult & { readonly rehearsal: RehearsalRecord };

/** Where a rehearsal's report is, for people and for programs. */
export function reportPaths(repository: Repository, rehearsal: string): { markdown: string; json: string } {
  const folder = join(repository.path, 'rehearsals', rehearsal);
  return { markdown: join(folder, 'report.md'), json: join(folder, 'report.json') };
}

/** Writes the report beside the rehearsal's record: `REPO/rehearsals/<id>/report.md` and `report.json`. */
export async function writeRehearsalReport(
  repository: Repository,
  outcome: RehearsalOutcome,
): Promise<{ markdown: string; json: string }> {
  const paths = reportPaths(repository, outcome.rehearsal.id);
  await makeDirectory(dirname(paths.markdown));
  await writeFileDurably(paths.json, `${JSON.stringify(outcome, null, 2)}\n`);
  await writeFileDurably(paths.markdown, reportText(outcome));
  return paths;
}

/** The report for people, in Markdown. */
export function reportText({ plan, proof, seconds, rehearsal }: RehearsalOutcome): string {
  const { resolved } = plan.target;
  return [
    `# Rehearsal ${rehearsal.id}: ${proof.ok ? 'the restore works' : 'THE RESTORE FAILED ITS PROOF'}`,
    '',
    `- Started: ${rehearsal.startedAt}`,
    `- Restored to: ${formatCoordinates(resolved)}${resolved.gtid === null ? '' : `, GTID ${resolved.gtid}`}, ${resolved.between}`,
    `- Backup: ${plan.backup.id}, ${plan.backup.bytes} bytes`,
    `- Replayed: ${proof.appliedGroups} groups, ${plan.bytes} bytes`,
    '',
    '| step | seconds |',
    '|---|---|',
    ...(['load', 'replay', 'proof', 'total'] as const).map((step) => `| ${step} | ${seconds[step].toFixed(1)} |`),
    '',
    '| check | holds | found |',
    '|---|---|---|',
    ...proof.checks.map(({ check, ok, found }) => `| ${cell(check)} | ${ok ? 'yes' : '**no**'} | ${cell(found)} |`),
    '',
    '| table | rows | checksum |',
    '|---|---|---|',
    ...proof.tables.map(
      ({ schema, name, rows, checksum }) => `| ${cell(`${schema}.${name}`)} | ${rows} | ${checksum ?? 'unreadable'} |`,
    ),
    '',
  ].join('\n');
}

/** A bar would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
