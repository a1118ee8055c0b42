import { formatGtid } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import type { Group } from '../binlog/group.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import type { LastGood } from '../incident/incident.ts';
import type { Damage } from './damage.ts';
import { SegmentIndexer } from './segment-indexer.ts';

/** A damaged state can make every group look doubled; the first ones are enough to see it. */
const MAX_DOUBLED = 20;

/** Indexes a segment, and notices groups that its log already had. */
export class VerifyingIndexer extends SegmentIndexer {
  readonly doubled: Damage[] = [];
  readonly #path: string;

  constructor(options: { lineage: string; file: string; path: string; last: LastGood | null }) {
    super(options);
    this.#path = options.path;
  }

  override group(group: Group, before: GtidState | null): void {
    if (before !== null && isDoubled(group, before)) this.#note(group);
    super.group(group, before);
  }

  #note({ gtid, start }: Group): void {
    if (gtid === null || this.doubled.length >= MAX_DOUBLED) return;
    const found = `at offset ${start}: GTID ${formatGtid(gtid)} was in the log before`;
    this.doubled.push({ check: 'doubled group', path: this.#path, offset: start, found });
  }
}

/** MariaDB's numbers may go back where gtid_strict_mode is off; only the very same GTID twice in a row is one too many. */
function isDoubled({ gtid }: Group, before: GtidState): boolean {
  if (gtid === null) return false;
  if (gtid.flavor === 'mysql') return before.contains(gtid);
  const last = before instanceof GtidPosition ? before.last(gtid.domain) : undefined;
  return last?.server === gtid.server && last.sequence === gtid.sequence;
}
