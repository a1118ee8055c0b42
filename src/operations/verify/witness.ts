import { join } from 'node:path';
import type { Damage } from '../../archive/damage.ts';
import { compareFiles } from '../../binlog/coordinates.ts';
import type { CheckedFile } from '../../archive/verify-order.ts';
import type { KnownFile } from './known-catalog.ts';

/**
 * Compares what the catalog knew with what is there. A row is written only when its bytes are durable, so bytes that only the
 * catalog still knows of were lost: nothing else tells of the archive's own end. Pure.
 */
export function verifyWitness(folder: string, files: readonly CheckedFile[], known: readonly KnownFile[]): Damage[] {
  const there = new Map(files.map((file) => [file.listed.file, file]));
  const newest = files.at(-1)?.listed.file;
  return known.flatMap((row) => {
    const file = there.get(row.file);
    if (file !== undefined) return compareEnd(file, row);
    // What is missing before the newest file shows without a catalog.
    if (newest !== undefined && compareFiles(row.file, newest) < 0) return [];
    const found = 'it is not there, though the catalog has what was archived of it';
    return [{ check: 'missing segment', path: join(folder, row.file), offset: null, found } as const];
  });
}

/**
 * Damage behind what was durable is what a power cut leaves, and the archiver fetches those bytes again: it tells nothing of the
 * archive. Only a row of the very file can say so. Pure.
 */
export function softenTail(damage: Damage, files: readonly CheckedFile[], known: readonly KnownFile[]): Damage {
  const { check, path, offset } = damage;
  const file = files.find(({ listed }) => listed.path === path);
  if (check !== 'segment' || offset === null || file?.listed.segment?.state !== 'open') return damage;
  const row = known.find((candidate) => candidate.file === file.listed.file);
  if (row?.state !== 'open' || offset < row.indexedTo || isAnother(file, row)) return damage;
  return { check: 'open segment', path, offset, found: `${damage.found}; it was not durable yet` };
}

function isAnother({ digest }: CheckedFile, row: KnownFile): boolean {
  return digest !== null && digest.openedAt !== row.openedAt;
}

function compareEnd(file: CheckedFile, row: KnownFile): Damage[] {
  const { listed, digest, report } = file;
  const { segment, manifest, path, manifestPath } = listed;
  if (segment === null || manifest !== null || report === null) return [];
  if (row.state === 'sealed')
    return [
      { check: 'manifest', path: manifestPath, offset: null, found: 'it is not there, though the segment was sealed' },
    ];
  const end = digest?.indexedTo ?? 0;
  if (isAnother(file, row) || end >= row.indexedTo || report.damages.some(({ check }) => check !== 'open segment'))
    return [];
  const found = `at offset ${end}: it ends here, though ${row.indexedTo} bytes of it were durable`;
  const fix = 'Run `lastgood archive`: it asks the source for the lost bytes again. Keep the file until then.';
  return [{ check: 'segment', path, offset: end, found, fix }];
}
