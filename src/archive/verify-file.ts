import { damageOfFailure, otherHash, type Damage } from './damage.ts';
import { hashFile } from './hash-file.ts';
import { hasCode } from '../platform/error-code.ts';

/** A file of a backup, and what its record says of it. */
export interface RecordedFile {
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Reads a backup's file; null when it is as it was recorded. */
export async function verifyFile(
  { path, bytes, sha256 }: RecordedFile,
  onBytes: (bytes: number) => void,
): Promise<Damage | null> {
  const damage = (found: string, offset: number | null = null): Damage => ({ check: 'backup', path, offset, found });
  try {
    const found = await hashFile(path, onBytes);
    if (found.bytes !== bytes)
      return damage(`it has ${found.bytes} bytes, backup.json says ${bytes}`, Math.min(found.bytes, bytes));
    return found.sha256 === sha256 ? null : damage(otherHash(found.sha256, sha256));
  } catch (error) {
    const isGone = hasCode(error, 'ENOENT');
    return isGone ? damage('it is not there') : damageOfFailure(error, { check: 'backup', path, offset: null });
  }
}
