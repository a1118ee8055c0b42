import { openSegment, readSegmentFormat } from '../../archive/read-segment.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import type { ReadingStart } from '../../binlog/binlog-reader.ts';
import { readBinlog } from '../../binlog/read-binlog.ts';
import { LastgoodError } from '../../platform/errors.ts';
import { GroupDescriber, type DescribedGroup } from './group-describer.ts';

export interface DescribedReading {
  readonly segment: ArchivedSegment;
  /** A group boundary; null for the file's start. */
  readonly start: ReadingStart | null;
  /** Bytes from the file's start: what is archived and whole ends here. */
  readonly to: number;
  /** Of each group; one of 200 characters when not given. */
  readonly statements?: { readonly most: number; readonly characters: number };
  readonly signal?: AbortSignal | undefined;
  /** @returns whether to go on */
  readonly visit: (group: DescribedGroup) => boolean;
}

const BRIEF = { most: 1, characters: 200 };

/** Reads groups of a file with what they did, in order. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function readDescribed(reading: DescribedReading): Promise<void> {
  const { segment, start, to, statements = BRIEF, signal, visit } = reading;
  const { format } = await readSegmentFormat(segment);
  const progress = { done: false };
  const visitor = new GroupDescriber({
    ...{ file: segment.file, format, statements: statements.most, characters: statements.characters },
    onGroup: (group) => {
      progress.done ||= group.end > to || !visit(group);
    },
  });
  await using source = await openSegment(segment, start?.offset ?? 0);
  const { wholeTo, problems } = await readBinlog(source, {
    visitor,
    verifyChecksums: true,
    until: (offset) => progress.done || offset >= to,
    ...(start === null ? {} : { start }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (progress.done || wholeTo >= to) return;
  const why = problems.at(-1)?.problem ?? 'the file is shorter than it was';
  throw new LastgoodError('ARCHIVE_DAMAGED', `${segment.file} cannot be read after ${wholeTo}: ${why}`, {
    details: { path: segment.path, offset: wholeTo },
  });
}
