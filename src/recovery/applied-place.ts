import { parseFormatDescription } from '../binlog/format-description.ts';
import { formatGtid } from '../binlog/gtid-text.ts';
import type { Group, QueryEvent } from '../binlog/group.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { ServedRange } from '../server/served-range.ts';

/** How far into its plan a server is that has applied a part of it. */
export interface AppliedPlace {
  /** So many of the plan's groups are applied, the first ones of the log. */
  readonly groups: number;
  /** As the server says it. */
  readonly gtidState: string;
  /** What it was about to apply, where that is not done or undone as a whole: for a person. null when no crash and no stop can halve it. */
  readonly halves: string | null;
  /** True when statements used temporary tables before that place: those are gone with the server's process. */
  readonly temporaryTables: boolean;
}

/**
 * Finds a MariaDB GTID position in the log that a plan replays, which one applier applies in its order: reads from the plan's start
 * to that place.
 *
 * @param before the GTID state with which the ranges begin
 * @returns null when the position is none of them
 * @throws LastgoodError `ARCHIVE_DAMAGED`
 */
export async function findAppliedPlace(
  ranges: readonly ServedRange[],
  { before, state }: { before: string; state: string },
  signal?: AbortSignal,
): Promise<AppliedPlace | null> {
  const search = new PlaceSearch(before, state);
  for (const range of ranges) {
    if (search.isOver) break;
    if (range.from < range.to) await readRange(range, search, signal);
  }
  return search.found;
}

class PlaceSearch {
  isOver = false;
  readonly #at: GtidPosition;
  readonly #wanted: GtidPosition;
  readonly #state: string;
  #groups = 0;
  #usesTemporary = false;
  /** Of the group that is being read. */
  #hasDefinition = false;
  #place: AppliedPlace | null = null;

  constructor(before: string, state: string) {
    this.#at = GtidPosition.parse(before);
    this.#wanted = GtidPosition.parse(state);
    this.#state = state;
    this.#settle();
  }

  get found(): AppliedPlace | null {
    return this.#place;
  }

  query({ text, threadSpecific }: QueryEvent): void {
    if (this.#place === null && threadSpecific) this.#usesTemporary ||= makesTemporary(text.toString('latin1'));
    this.#hasDefinition ||= !CHANGES_ROWS.test(text.toString('latin1', 0, 200));
  }

  group(group: Group): void {
    if (this.isOver) return;
    const { gtid } = group;
    if (this.#place !== null) {
      const name = gtid === null ? `the group at ${group.start}` : formatGtid(gtid);
      this.#place = { ...this.#place, halves: isWhole(group) && !this.#hasDefinition ? null : name };
      this.isOver = true;
    } else if (gtid !== null) {
      this.#at.add(gtid);
      this.#groups += 1;
      this.#settle();
    }
    this.#hasDefinition = false;
  }

  #settle(): void {
    if (!this.#at.equals(this.#wanted)) return;
    const temporaryTables = this.#usesTemporary;
    this.#place = { groups: this.#groups, gtidState: this.#state, halves: null, temporaryTables };
  }
}

/** Statements that a transaction can take back; of any other it is not known. */
const CHANGES_ROWS = /^\s*(?:insert|update|delete|replace|load|savepoint|rollback|release)\b/i;

/** Without such a statement there is none to lose. The event's flag alone says little: dropping ordinary tables sets it too. */
function makesTemporary(text: string): boolean {
  return /\bcreate\b/i.test(text) && /\btemporary\b/i.test(text);
}

/** True when the group, in tables that know transactions, is done with its GTID in one commit, or not at all. */
function isWhole({ ending, transactional, phase }: Group): boolean {
  return ending === 'commit' && transactional === true && phase === undefined;
}

async function readRange(range: ServedRange, search: PlaceSearch, signal: AbortSignal | undefined): Promise<void> {
  const format = parseFormatDescription(range.formatEvent);
  await using source = await range.open(range.from);
  const reading =
    format === null
      ? null
      : await readBinlog(source, {
          visitor: {
            // What is read behind the range belongs to nobody: a group that is skipped, say.
            query: (query) => {
              if (query.offset < range.to) search.query(query);
            },
            group: (group) => {
              if (group.end <= range.to) search.group(group);
            },
          },
          verifyChecksums: false,
          start: { format, offset: range.from, gtidState: null },
          until: (offset) => search.isOver || offset >= range.to,
          ...(signal === undefined ? {} : { signal }),
        });
  if (search.isOver || (reading !== null && reading.wholeTo >= range.to)) return;
  throw new LastgoodError('ARCHIVE_DAMAGED', `${range.file} cannot be read to ${range.to}`, {
    details: { file: range.file, offset: reading?.wholeTo ?? range.from },
  });
}
