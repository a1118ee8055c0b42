import { parseFormatDescription } from '../binlog/format-description.ts';
import type { Group } from '../binlog/group.ts';
import type { Gtid } from '../binlog/gtid.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { ServedRange } from './served-range.ts';

/** Which groups a client has already. */
export interface ClientGroups {
  /** False: it has none of those that come now, so nobody has to look. */
  readonly isPending: boolean;
  /** Asked for each group, in the order of the log. */
  has(gtid: Gtid | null): boolean;
}

/**
 * A range without the groups that a client has: the ranges that remain, of which the last one ends where this one does, so that
 * the client comes to stand there. Reads the range until nothing is pending, about as fast as the disk gives it.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`
 */
export async function leaveOut(range: ServedRange, client: ClientGroups, signal?: AbortSignal): Promise<ServedRange[]> {
  const kept: ServedRange[] = [];
  let from = range.from;
  const visit = ({ start, end, gtid }: Group): boolean => {
    if (client.has(gtid)) {
      if (start > from) kept.push({ ...range, from, to: start });
      from = end;
    }
    return client.isPending;
  };
  await eachGroup(range, visit, signal);
  return [...kept, { ...range, from }];
}

/** @param visit whether to go on */
async function eachGroup(
  range: ServedRange,
  visit: (group: Group) => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  const format = parseFormatDescription(range.formatEvent);
  if (format === null) throw damaged(range, range.from);
  if (range.from === range.to) return;
  const progress = { done: false };
  const group = (found: Group): void => {
    progress.done ||= found.end > range.to || !visit(found);
  };
  await using source = await range.open(range.from);
  const { wholeTo } = await readBinlog(source, {
    visitor: { query: () => undefined, group },
    verifyChecksums: false,
    start: { format, offset: range.from, gtidState: null },
    until: (offset) => progress.done || offset >= range.to,
    ...(signal === undefined ? {} : { signal }),
  });
  if (!progress.done && wholeTo < range.to) throw damaged(range, wholeTo);
}

function damaged({ file }: ServedRange, offset: number): LastgoodError {
  return new LastgoodError('ARCHIVE_DAMAGED', `cannot serve ${file}:${offset}: the groups behind it cannot be read`, {
    details: { file, offset },
  });
}
