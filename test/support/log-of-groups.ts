import type { Boundary, LogFile } from '../../src/archive/hand-over.ts';
import type { Flavor, GtidState } from '../../src/binlog/gtid.ts';
import { parseGtid, parseGtidState } from '../../src/binlog/gtid-text.ts';
import { fileName } from './in-memory-log.ts';

export interface PlainGroup {
  /** Null: a group without one. */
  readonly gtid: string | null;
  /** Seconds since 1970. */
  readonly time: number;
}

const HEADER_BYTES = 100;
const GROUP_BYTES = 10;

/** A log as the search for a hand-over reads it: one array of groups for each file, from `binlog.000001` on. */
export function logOfGroups(
  files: readonly (readonly PlainGroup[])[],
  { flavor = 'mariadb', start = '' }: { flavor?: Flavor; start?: string } = {},
): LogFile[] {
  const state = parseGtidState(flavor, start);
  return files.map((groups, index) => {
    const before = state.clone();
    for (const { gtid } of groups) if (gtid !== null) state.add(parseGtid(gtid));
    return {
      file: fileName(index + 1),
      gtidStart: () => Promise.resolve(before.clone()),
      boundaries: (visit) => {
        for (const boundary of boundariesOf(groups, before.clone())) visit(boundary);
        return Promise.resolve();
      },
    };
  });
}

function* boundariesOf(groups: readonly PlainGroup[], state: GtidState): Generator<Boundary> {
  let time: number | null = null;
  for (const [index, group] of groups.entries()) {
    const next = group.gtid === null ? null : parseGtid(group.gtid);
    yield { position: HEADER_BYTES + index * GROUP_BYTES, state, time, next, isLast: false };
    if (next !== null) state.add(next);
    time = group.time;
  }
  yield { position: HEADER_BYTES + groups.length * GROUP_BYTES, state, time, next: null, isLast: true };
}

/** The state after all of them. */
export function endOf(files: readonly (readonly PlainGroup[])[], flavor: Flavor = 'mariadb'): GtidState {
  const state = parseGtidState(flavor, '');
  for (const { gtid } of files.flat()) if (gtid !== null) state.add(parseGtid(gtid));
  return state;
}
