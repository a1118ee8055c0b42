import { formatCoordinates } from '../binlog/coordinates.ts';
import type { SourceIncident } from './ledger.ts';
import type { Repository } from './repository.ts';
import type { ByteRange } from './segment-indexer.ts';

/** Where a source's own notes about lost events go. */
export interface SourceIncidentOptions {
  readonly repository: Repository;
  readonly lineage: { readonly id: string };
  /** Told of each that is new, after it is in the ledger. */
  onSourceIncident?(loss: SourceIncident): void;
}

/**
 * Puts INCIDENT events, whose bytes are durable, into the ledger. While the segment is open a crash brings them up again, so
 * this comes before it is sealed.
 *
 * @param events where they stand in `file`
 * @throws LastgoodError what `Ledger.record` throws
 */
export async function recordSourceIncidents(
  { file, events }: { file: string; events: readonly ByteRange[] },
  options: SourceIncidentOptions,
): Promise<void> {
  const { repository, lineage } = options;
  for (const { start, end } of events) {
    const loss: SourceIncident = {
      kind: 'source-incident',
      lineage: lineage.id,
      from: formatCoordinates({ file, position: start }),
      to: formatCoordinates({ file, position: end }),
      why: 'the source reports an incident: events may be missing here',
      noticedAt: new Date().toISOString(),
    };
    const isNew = await repository.ledger.record(loss);
    if (isNew) options.onSourceIncident?.(loss);
  }
}
