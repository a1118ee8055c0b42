import { join } from 'node:path';
import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { Repository } from '../archive/repository.ts';
import type { OpenArchive } from './open-archive.ts';
import { readBehindCut } from './report/left-behind-cut.ts';
import type { ReportFacts } from './report/restore-report.ts';
import { writeReport, type ReportPaths } from './report/write-report.ts';

/** What a rehearsal's report tells. */
type RehearsalOutcome = Omit<ReportFacts, 'kind' | 'startedAt' | 'finishedAt' | 'behindCut' | 'handOver'> & {
  readonly rehearsal: RehearsalRecord;
};

/** Where a rehearsal's report is, for people. */
export function rehearsalReportPath(repository: Pick<Repository, 'path'>, rehearsal: string): string {
  return join(folderOf(repository, rehearsal), `${NAME}.md`);
}

const NAME = 'report';

function folderOf(repository: Pick<Repository, 'path'>, rehearsal: string): string {
  return join(repository.path, 'rehearsals', rehearsal);
}

/** Writes the report beside the rehearsal's record: `REPO/rehearsals/<id>/report.md`, `report.html` and `report.json`. */
export async function writeRehearsalReport(
  archive: Pick<OpenArchive, 'repository' | 'catalog'>,
  outcome: RehearsalOutcome,
): Promise<ReportPaths> {
  const { rehearsal, plan } = outcome;
  return await writeReport(
    { folder: folderOf(archive.repository, rehearsal.id), name: NAME },
    {
      ...outcome,
      kind: 'rehearsal',
      startedAt: rehearsal.startedAt,
      finishedAt: new Date().toISOString(),
      behindCut: await readBehindCut(archive, plan.target.resolved),
      handOver: null,
    },
  );
}
