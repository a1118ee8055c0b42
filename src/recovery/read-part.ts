import { openSegment, readSegmentFormat } from '../archive/read-segment.ts';
import type { ArchivedSegment } from '../archive/repository.ts';
import type { FormatDescription } from '../binlog/format-description.ts';
import type { GroupVisitor } from '../binlog/group.ts';
import type { GtidState } from '../binlog/gtid.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';

/** A part of one archived file, from a group boundary on. */
export interface FilePart {
  readonly segment: ArchivedSegment;
  /** null: the file's first byte. */
  readonly start: { readonly offset: number; readonly gtidState: GtidState | null } | null;
  /** Bytes from the file's start. What comes behind may be handed over as well: it is read block by block. */
  readonly to: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes from the file's start that are read so far. */
  readonly progress?: ((offset: number) => void) | undefined;
  /** True ends the reading before `to`. */
  readonly isOver?: (() => boolean) | undefined;
}

/**
 * Hands the groups of a part to a visitor. Damage is returned, not thrown.
 *
 * @param visitorOf makes the visitor, once it is known how the file is written
 * @returns the error that tells why less than the part can be read; null when all of it was
 * @throws LastgoodError `ARCHIVE_DAMAGED` for a file without a beginning, `REPOSITORY_UNREADABLE`, `INTERRUPTED`
 */
export async function readPart(
  { segment, start, to, signal, progress, isOver = () => false }: FilePart,
  visitorOf: (format: FormatDescription) => GroupVisitor,
): Promise<LastgoodError | null> {
  const { format } = await readSegmentFormat(segment);
  await using source = await openSegment(segment, start?.offset ?? 0);
  const { wholeTo, problems } = await readBinlog(source, {
    visitor: visitorOf(format),
    verifyChecksums: true,
    until: (offset) => {
      progress?.(offset);
      return offset >= to || isOver();
    },
    ...(start === null ? {} : { start: { format, ...start } }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (wholeTo >= to || isOver()) return null;
  const why = problems.at(-1)?.problem ?? 'the file is shorter than it was';
  return new LastgoodError('ARCHIVE_DAMAGED', `${segment.file} cannot be read after ${wholeTo}: ${why}`, {
    details: { path: segment.path, offset: wholeTo },
  });
}
