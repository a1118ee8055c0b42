/**
 * A source that cannot read its own log on: the end of a file that is torn there. Enters: its error, and where the archive stands.
 * Leaves: what to do, and the way past it for who asks for that.
 */
import type { ArchiveEnd } from '../archive/archive-end.ts';
import {
  compareFiles,
  FIRST_EVENT_OFFSET,
  formatCoordinates,
  nextFile,
  type Coordinates,
} from '../binlog/coordinates.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { DurableEnd } from './archive-session.ts';
import type { Continuation } from './archive-start.ts';
import { peekFile, type Source } from './source-log.ts';

/** ER_MASTER_FATAL_ERROR_READING_BINLOG: the source cannot go on reading its own log. */
const CANNOT_READ_ON = 1236;

/** True for the source's word that it cannot go on reading its own log. */
export function isBrokenOff(error: unknown): error is LastgoodError {
  return isLastgoodError(error, 'SERVER_QUERY_FAILED') && error.details['errno'] === CANNOT_READ_ON;
}

/** What is thrown when a source cannot read on however often it is asked, with the way on; any other error as it is. */
export function withWayOn(error: unknown, end: DurableEnd | null): unknown {
  if (!isBrokenOff(error) || end === null) return error;
  const from = formatCoordinates({ file: end.file, position: end.indexedTo });
  return new LastgoodError(
    'SERVER_QUERY_FAILED',
    `the source cannot read its binary log on from ${from}, where the archive ends: ${error.message}`,
    {
      cause: error,
      details: { ...error.details, file: end.file, position: end.indexedTo },
      hint: 'Keep a copy of that file: whether transactions are in its torn end is not known. Then `lastgood archive --new-lineage` goes on in the next file that can be read, behind a gap in the ledger; take a new backup.',
    },
  );
}

/** What is archived, as far as it matters here. */
interface Archived {
  readonly open: Pick<NonNullable<ArchiveEnd['open']>, 'file' | 'wholeTo'> | null;
  readonly sealed: { readonly manifest: { readonly file: string } } | null;
}

/** The file that the archive ends with; null when nothing is archived. */
export function lastArchived({ open, sealed }: Archived): string | null {
  return open?.file ?? sealed?.manifest.file ?? null;
}

/**
 * The way past a file that the source cannot read on: the next one that it can read, behind a gap. Null when there is none yet, or
 * when it is the sealed file itself that cannot be read again: what comes behind it is not given up for that.
 *
 * @param isUnreadable asked for the files behind it
 */
export async function passBrokenOff(
  { open, sealed }: Archived,
  { logs }: Pick<Source, 'logs'>,
  isUnreadable: (file: string) => Promise<boolean>,
): Promise<Continuation | null> {
  const from = unreadFrom({ open, sealed });
  if (from === null) return null;
  const firstLater = open === null ? from.file : nextFile(from.file);
  for (const { file } of logs) {
    if (compareFiles(file, firstLater) < 0 || (await isUnreadable(file))) continue;
    return file === from.file ? null : { kind: 'unreadable', from, next: file };
  }
  return null;
}

/** True when the source cannot read one of its files at all. @throws LastgoodError what `peekFile` throws for another reason */
export async function cannotRead(source: Source, file: string): Promise<boolean> {
  try {
    await peekFile(source, file);
    return false;
  } catch (error) {
    if (isBrokenOff(error)) return true;
    throw error;
  }
}

function unreadFrom({ open, sealed }: Archived): Coordinates | null {
  if (open !== null) return { file: open.file, position: open.wholeTo };
  return sealed === null ? null : { file: nextFile(sealed.manifest.file), position: FIRST_EVENT_OFFSET };
}
