import type { ListedFile } from '../../archive/verify-listing.ts';
import { compareFiles, isBinlogFileName } from '../../binlog/coordinates.ts';
import { parseTime } from '../../recovery/target.ts';

/** From where on segments are read; what is before is only listed. */
export type Since =
  { readonly kind: 'file'; readonly file: string } | { readonly kind: 'time'; readonly seconds: number };

/** Reads `binlog.000042` or a time with its zone. @throws LastgoodError `TIME_INVALID` */
export function parseSince(text: string): Since {
  return isBinlogFileName(text) ? { kind: 'file', file: text } : { kind: 'time', seconds: parseTime(text) };
}

/** True when the file is to be read. One whose manifest does not say how new it is always is. */
export function isWithin(since: Since | null, { file, manifest }: ListedFile): boolean {
  if (since === null) return true;
  if (since.kind === 'file') return compareFiles(file, since.file) >= 0;
  const maxTime = manifest?.content?.maxTime ?? null;
  if (maxTime !== null) return maxTime >= since.seconds;
  const sealedAt = Date.parse(manifest?.content?.sealedAt ?? '') / 1000;
  return !(sealedAt < since.seconds); // NaN: not known
}
