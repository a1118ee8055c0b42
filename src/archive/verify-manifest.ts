import type { LogEnd } from '../binlog/log-end.ts';
import type { Damage } from './damage.ts';
import type { SegmentDigest, SegmentManifest } from './manifest.ts';

/** What the bytes of a sealed segment say themselves. */
export interface ManifestFacts {
  readonly digest: SegmentDigest;
  /** Of the plain bytes. */
  readonly bytes: number;
  readonly sha256: string;
  readonly end: LogEnd;
}

/**
 * Compares a sealed segment with its manifest. Pure. Only for a segment without damaged events, and a manifest that is as it
 * was written: otherwise every difference follows from that.
 *
 * @param paths of the segment's stored file and of the manifest
 */
export function compareManifest(
  manifest: SegmentManifest,
  found: ManifestFacts,
  paths: { readonly segment: string; readonly manifest: string },
): Damage[] {
  const { bytes, sha256, digest, end } = found;
  if (bytes !== manifest.bytes) {
    const why = `it has ${bytes} plain bytes, its manifest says ${manifest.bytes}`;
    return [{ check: 'segment', path: paths.segment, offset: Math.min(bytes, manifest.bytes), found: why }];
  }
  if (sha256 !== manifest.sha256) {
    const why = `the SHA-256 of its plain bytes is ${sha256}, its manifest says ${manifest.sha256}`;
    return [{ check: 'segment', path: paths.segment, offset: null, found: why }];
  }
  const stated = { ...digest, ended: end === 'open' ? 'source-crashed' : end };
  return Object.entries(stated)
    .map(([field, value]) => ({ field, value, says: manifest[field as keyof SegmentManifest] }))
    .filter(({ value, says }) => JSON.stringify(value) !== JSON.stringify(says))
    .map(({ field, value, says }) => ({
      check: 'manifest',
      path: paths.manifest,
      offset: null,
      found: `its '${field}' says ${JSON.stringify(says)}, the segment's bytes say ${JSON.stringify(value)}`,
    }));
}
