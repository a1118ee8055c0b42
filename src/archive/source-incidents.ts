import { formatCoordinates } from '../binlog/coordinates.ts';
import type { SourceIncident } from './ledger.ts';
import type { Repository } from './repository.ts';
import type { SegmentWriter } from './segment-writer.ts';

/** Where a source's own notes about lost events go. */
export interface SourceIncidentOptions {
  readonly repository: Repository;
  readonly lineage: { readonly id: string };
  /** Told of each that is new, after it is in the ledger. */
  onSourceIncident?(loss: SourceIncident): void;
}

/**
 * Puts the INCIDENT events that a segment took since the last call into the ledger. While the segment is open a crash brings
 * them up again, so this comes before it is sealed.
 *
 * @throws LastgoodError what `Ledger.record` throws
 */
export async function recordSourceIncidents(segment: SegmentWriter, options: SourceIncidentOptions): Promise<void> {
  const { repository, lineage } = options;
  for (const { start, end } of segment.takeSourceIncidents()) {
    const loss: SourceIncident = {
      kind: 'source-incident',
      lineage: lineage.id,
      from: formatCoordinates({ file: segment.file, position: start }),
      to: formatCoordinates({ file: segment.file, position: end }),
      why: 'the source reports an incident: events may be missing here',
      noticedAt: new Date().toISOString(),
    };
    const isNew = await repository.ledger.record(loss);
    if (isNew) options.onSourceIncident?.(loss);
  }
}
