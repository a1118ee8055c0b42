import type { Encryption } from './stored-form.ts';

/** How a sealed segment's file ended. `source-crashed`: the source died while writing it; the torn tail is not kept. */
export type SegmentEnd = 'rotate' | 'stop' | 'source-crashed';

/** A group's place and time, as lists show it. `time` is RFC 3339, UTC. */
export interface GroupMark {
  readonly gtid: string | null;
  readonly start: number;
  readonly end: number;
  readonly time: string;
}

/** What one reading of a segment gives: the same bytes give the same digest, whoever reads them. */
export interface SegmentDigest {
  readonly file: string;
  /** GTID state before the file's first group, as the server writes it; null when the file does not say. */
  readonly gtidStart: string | null;
  /** GTID state after the last whole group; null when `gtidStart` is. */
  readonly gtidEnd: string | null;
  readonly first: GroupMark | null;
  readonly last: GroupMark | null;
  /** Earliest and latest group time, seconds since 1970; null without groups. */
  readonly minTime: number | null;
  readonly maxTime: number | null;
  readonly groups: number;
  readonly events: number;
  /** Offset just after the last event outside or at the end of a group: what may be replayed or resumed from. */
  readonly indexedTo: number;
  readonly checksum: 'crc32' | 'none';
  readonly serverVersion: string;
  /** When the file was opened, seconds since 1970: with the name, the file's identity. */
  readonly openedAt: number;
}

/** Written beside a segment when it is sealed; after that neither changes. */
export interface SegmentManifest extends SegmentDigest {
  readonly format: 1;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly compression: 'none' | 'zstd';
  /** null: stored in clear. Manifests of the first format do not have it. */
  readonly encryption?: Encryption | null;
  /** Hex, of the plain bytes as the source sent them (IN_USE flag cleared). */
  readonly sha256: string;
  readonly storedSha256: string;
  /** Of the previous segment's manifest file; null for the lineage's first. */
  readonly previousManifestSha256: string | null;
  readonly ended: SegmentEnd;
  /** Bytes that the source's file had after our last event; 0 unless it crashed. */
  readonly tornBytes: number;
  readonly sealedAt: string;
}
