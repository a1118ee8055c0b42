import type { Damage } from '../../archive/damage.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import { verifyFile, type RecordedFile } from '../../archive/verify-file.ts';
import { verifySegment, type SegmentReport } from '../../archive/verify-segment.ts';
import type { LastGood } from '../../incident/incident.ts';

/** Work that reads many bytes. Plain data: it may go to another thread, where errors lose what they are; so failures are results. */
export type ReadingJob =
  | { readonly kind: 'segment'; readonly segment: ArchivedSegment; readonly last: LastGood | null }
  | ({ readonly kind: 'file' } & RecordedFile);

/** What a job of each kind gives. */
export interface ReadingResults {
  readonly segment: SegmentReport;
  readonly file: Damage | null;
}

/** Runs a job, in whatever thread. @param onBytes told of each block that was read */
export async function runReadingJob(
  job: ReadingJob,
  onBytes: (bytes: number) => void,
  signal?: AbortSignal,
): Promise<ReadingResults[keyof ReadingResults]> {
  if (job.kind === 'file') return await verifyFile(job, onBytes);
  const { segment, last } = job;
  return await verifySegment({ segment, last, onBytes, signal });
}
