import type { SegmentManifest } from './manifest.ts';

/** How a sealed segment's bytes are stored: as they are, compressed, encrypted, or compressed and then encrypted. */
export interface StoredForm {
  readonly compression: 'none' | 'zstd';
  readonly encryption: Encryption | null;
}

/** With what a segment is encrypted; `keyId` names the key and tells nothing of it. */
export interface Encryption {
  readonly algorithm: 'aes-256-gcm';
  readonly keyId: string;
}

/** A segment as the source's file is. */
export const PLAIN: StoredForm = { compression: 'none', encryption: null };

/** The name of a segment's stored bytes: `binlog.000042`, `binlog.000042.zst` or `binlog.000042.enc`. */
export function storedName(file: string, { compression, encryption }: StoredForm): string {
  if (encryption !== null) return `${file}.enc`;
  return compression === 'zstd' ? `${file}.zst` : file;
}

/** Manifests written before there was encryption do not speak of it. */
export function formOf({ compression, encryption }: SegmentManifest): StoredForm {
  return { compression, encryption: encryption ?? null };
}

/** True when the stored bytes are the source's own. */
export function isPlain({ compression, encryption }: StoredForm): boolean {
  return compression !== 'zstd' && encryption === null;
}
