import { fileNumber } from '../binlog/coordinates.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { LastgoodError } from '../platform/errors.ts';
import { continuesFrom } from './gtid-continuity.ts';
import type { SegmentManifest } from './manifest.ts';

/** The source's next file must have the next number. @throws LastgoodError `LINEAGE_MISMATCH` */
export function checkOrder(before: SegmentManifest | undefined, file: string): void {
  if (before === undefined || fileNumber(file) === fileNumber(before.file) + 1) return;
  throw new LastgoodError('LINEAGE_MISMATCH', `the source went from '${before.file}' to '${file}'`);
}

/** It must begin with exactly the GTIDs that the one before it ended with. @throws LastgoodError `LINEAGE_MISMATCH` */
export function checkContinuity(
  before: SegmentManifest | undefined,
  next: { readonly file: string; readonly gtidStart: string },
  flavor: Flavor,
): void {
  if (before === undefined || before.gtidEnd === null) return;
  if (continuesFrom(parseGtidState(flavor, before.gtidEnd), parseGtidState(flavor, next.gtidStart))) return;
  throw new LastgoodError(
    'LINEAGE_MISMATCH',
    `'${next.file}' begins after GTIDs '${next.gtidStart}', but '${before.file}' ended at '${before.gtidEnd}'`,
  );
}

/**
 * True while it is not known whether a lineage's newest file begins with the right GTIDs: there is none open yet, or what is open was cut off
 * before the event that says it. Behind a hole nothing tells.
 */
export function awaitsContinuity(end: {
  readonly open: { readonly file: string; readonly gtidStart: string | null } | null;
  readonly sealed: { readonly manifest: Pick<SegmentManifest, 'file'> } | null;
}): boolean {
  const { open, sealed } = end;
  if (open === null) return true;
  return open.gtidStart === null && sealed !== null && fileNumber(open.file) === fileNumber(sealed.manifest.file) + 1;
}
