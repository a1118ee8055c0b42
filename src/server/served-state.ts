import { FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { parseFormatDescription } from '../binlog/format-description.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import type { ServedLog, ServedRange } from './served-range.ts';

/**
 * The GTID state before a range: of the first one, that with which the log begins; of any other, what its file says of its
 * own start, which for a range from the middle of a file is a little earlier. null where nothing says it, and for a file that is
 * entered behind its start, after a failover: what lies between stands in the log before it.
 */
export async function stateBefore({ identity, ranges }: ServedLog, index: number): Promise<GtidState | null> {
  const range = ranges[index];
  if (range === undefined) return null;
  if (index > 0) return isEnteredLate(ranges, range) ? null : await stateOfFile(range);
  if (identity.gtidState !== null) return parseGtidState(identity.flavor, identity.gtidState);
  return range.from === FIRST_EVENT_OFFSET ? await stateOfFile(range) : null;
}

function isEnteredLate(ranges: readonly ServedRange[], { file }: ServedRange): boolean {
  const first = ranges.findIndex((range) => range.file === file);
  return first > 0 && ranges[first]?.from !== FIRST_EVENT_OFFSET;
}

/** It stands in one of the file's first events: the first block is enough. */
async function stateOfFile(range: ServedRange): Promise<GtidState | null> {
  const format = parseFormatDescription(range.formatEvent);
  if (format === null) return null;
  await using source = await range.open(FIRST_EVENT_OFFSET);
  const { gtidStart } = await readBinlog(source, {
    visitor: { query: () => undefined, group: () => undefined },
    verifyChecksums: false,
    start: { format, offset: FIRST_EVENT_OFFSET, gtidState: null },
    until: () => true,
  });
  return gtidStart;
}
