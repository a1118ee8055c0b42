import type { Coordinates } from '../binlog/coordinates.ts';
import { isWrong } from '../binlog/event-view.ts';
import { readBinlog, type ByteSource } from '../binlog/read-binlog.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import { LastgoodError } from '../platform/errors.ts';
import { BoundaryVisitor } from './boundary-visitor.ts';
import type { LogFile } from './hand-over.ts';
import type { Lineage } from './lineage.ts';
import { openSegment } from './read-segment.ts';
import type { ArchivedSegment, Repository } from './repository.ts';

/**
 * The files of an archived log as the search for a hand-over reads them, oldest first.
 *
 * @param options.end where the archive ends: what a crash left behind it is not read
 * @throws LastgoodError `ARCHIVE_DAMAGED` while reading
 */
export async function archivedLog(
  repository: Repository,
  lineage: Lineage,
  options: { end: Coordinates; signal?: AbortSignal },
): Promise<readonly LogFile[]> {
  const segments = await repository.segments(lineage.id);
  return segments.map((segment) => {
    const bytes = segment.file === options.end.file ? options.end.position : segment.bytes;
    return logFile(segment, { lineage, bytes, signal: options.signal });
  });
}

function logFile(
  segment: ArchivedSegment,
  { lineage, bytes, signal }: { lineage: Lineage; bytes: number; signal: AbortSignal | undefined },
): LogFile {
  const read: LogFile['boundaries'] = async (visit) => {
    const visitor = new BoundaryVisitor(visit);
    await using source = await openSegment(segment);
    const options = { visitor, verifyChecksums: true, ...(signal === undefined ? {} : { signal }) };
    const reading = await readBinlog(headOf(source, bytes), options);
    const damage = reading.problems.find(isWrong);
    if (damage !== undefined) throw damaged(segment, damage);
    visitor.end(reading);
  };
  return {
    file: segment.file,
    gtidStart: async () => {
      const { manifest } = segment;
      if (manifest === null) return await firstState(read);
      return manifest.gtidStart === null ? null : parseGtidState(lineage.flavor, manifest.gtidStart);
    },
    boundaries: read,
  };
}

/** The first bytes of a source. */
function headOf(source: ByteSource, bytes: number): ByteSource {
  let left = bytes;
  return {
    read: async (target, at) => {
      if (left === 0) return 0;
      const got = await source.read(target.subarray(0, Math.min(target.length, at + left)), at);
      left -= got;
      return got;
    },
  };
}

async function firstState(read: LogFile['boundaries']): ReturnType<LogFile['gtidStart']> {
  const states: Awaited<ReturnType<LogFile['gtidStart']>>[] = [];
  await read(({ state }) => {
    if (states.length === 0) states.push(state.clone());
  });
  return states[0] ?? null;
}

function damaged({ path }: ArchivedSegment, { offset, problem }: { offset: number; problem: string }): LastgoodError {
  return new LastgoodError('ARCHIVE_DAMAGED', `'${path}' is damaged at offset ${offset}: ${problem}`, {
    details: { path, offset },
  });
}
