import type { Coordinates } from '../binlog/coordinates.ts';
import type { SourceIncident } from './ledger.ts';
import type { Lineage } from './lineage.ts';
import type { SegmentEnd, SegmentManifest } from './manifest.ts';
import type { PackThread } from './pack-thread.ts';
import type { Repository } from './repository.ts';
import type { SegmentUpdate } from './segment-indexer.ts';

/** Where the bytes of an `ArchiveWriter` go, and who is told of them. */
export interface ArchiveWriterOptions {
  readonly repository: Repository;
  readonly lineage: Lineage;
  /** 'group': fsync when a group has ended in what was received together; a number: so many milliseconds later at most. */
  readonly sync: 'group' | number;
  /** Stores segments in another form; none: they stay as they are. */
  readonly packs?: PackThread | null;
  /**
   * Asked before a file that ends with neither ROTATE nor STOP is taken for one in which its source crashed, and where GTIDs do not show that the
   * next file follows it; rejects when the source does not show that it has that very file.
   */
  confirmEnd?(left: { readonly file: string; readonly ended: SegmentEnd }): Promise<void>;
  /** Bytes up to the digest's `indexedTo` are durable; comes once more when the segment is sealed. */
  onDurable(update: SegmentUpdate): void;
  /** A commit on the source waited for bytes before there; they are durable now. Only after `awaited`. */
  onAcknowledge?(upTo: Coordinates): void;
  /** true: take no more from the source for now; false: go on. */
  onPressure(high: boolean): void;
  onSealed(manifest: SegmentManifest): void;
  /** The source says itself that it lost events; the ledger has it. */
  onSourceIncident?(loss: SourceIncident): void;
}
