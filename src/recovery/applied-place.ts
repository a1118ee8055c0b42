import { parseFormatDescription } from '../binlog/format-description.ts';
import { formatGtid, parseGtidState } from '../binlog/gtid-text.ts';
import type { Flavor, GtidState } from '../binlog/gtid.ts';
import type { Group, QueryEvent } from '../binlog/group.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';
import { isSystemSchema } from '../server/facts.ts';
import type { ServedRange } from '../server/served-range.ts';
import { changesRows } from './changes-rows.ts';
import type { KeptPlace } from './session/place-table.ts';

/** How far into its plan a server is that has applied a part of it. */
export interface AppliedPlace {
  /** So many of the plan's groups are applied, the first ones of the log. */
  readonly groups: number;
  /** With these groups, as a server writes it. */
  readonly gtidState: string;
  /** Where what is left begins: the index of a range, and a position in its file. */
  readonly next: { readonly range: number; readonly position: number };
  /** What it was about to apply, where that is not done or undone as a whole: for a person. null when no crash and no stop can halve it. */
  readonly halves: string | null;
  /** The same, where it is no transaction whatever tables it changes: XA, rows of the server's own schemas, and a definition or an account that was begun. null at the end. */
  readonly apart: string | null;
  /** True when statements used temporary tables before that place: those are gone with the server's process. */
  readonly temporaryTables: boolean;
}

/** What a server says of how far it is: its GTID state, or what a session kept; and the GTID state with which the ranges begin. */
export type Reached = { readonly flavor: Flavor; readonly before: string } & (
  { readonly state: string } | { readonly kept: KeptPlace }
);

/**
 * Finds what a server has reached in the log that a plan replays, which is applied in its order: reads from the plan's start to
 * that place.
 *
 * @returns null when it is no place of that log
 * @throws LastgoodError `ARCHIVE_DAMAGED`
 */
export async function findAppliedPlace(
  ranges: readonly ServedRange[],
  reached: Reached,
  signal?: AbortSignal,
): Promise<AppliedPlace | null> {
  const search = new PlaceSearch(reached, ranges[0]?.from ?? 0);
  for (const [index, range] of ranges.entries()) {
    if (search.isOver) break;
    search.range = index;
    if (range.from < range.to) await readRange(range, search, signal);
  }
  return search.found;
}

class PlaceSearch {
  isOver = false;
  /** Of what is being read. */
  range = 0;
  readonly #at: GtidState;
  readonly #isThere: (position: number) => boolean;
  /** False where the next group, if it is a definition, is not begun. */
  readonly #mayBeBegun: boolean;
  #groups = 0;
  #usesTemporary = false;
  /** Of the group that is being read. */
  #hasDefinition = false;
  /** Of tables that may know no transactions, which nobody looks for: MySQL 5.6 has accounts and time zones in MyISAM, and its log does not say so. */
  #changesSystem = false;
  #place: AppliedPlace | null = null;

  constructor(reached: Reached, start: number) {
    const { flavor, before } = reached;
    this.#at = parseGtidState(flavor, before);
    if ('kept' in reached) {
      const { groups, position, begun } = reached.kept;
      this.#mayBeBegun = begun;
      this.#isThere = (end) => this.#groups === groups && (position === null || position === end);
    } else {
      const wanted = parseGtidState(flavor, reached.state);
      this.#isThere = () => this.#at.equals(wanted);
      this.#mayBeBegun = flavor !== 'mysql'; // which has a definition's GTID once that is done
    }
    this.#settle(start);
  }

  get found(): AppliedPlace | null {
    return this.#place;
  }

  /** True while what comes next after the place is read. */
  get isBehind(): boolean {
    return this.#place !== null && !this.isOver;
  }

  rows(schema: string): void {
    this.#changesSystem ||= isSystemSchema(schema);
  }

  query({ text, schema, threadSpecific }: QueryEvent): void {
    if (this.#place === null && threadSpecific) this.#usesTemporary ||= makesTemporary(text.toString('latin1'));
    this.#hasDefinition ||= !changesRows(text);
    if (this.#place !== null)
      this.#changesSystem ||= isSystemSchema(schema) || NAMES_SYSTEM.test(text.toString('latin1'));
  }

  group(group: Group): void {
    if (this.isOver) return;
    const { gtid } = group;
    if (this.#place !== null) {
      this.#place = { ...this.#place, ...this.#next(group) };
      this.isOver = true;
    } else {
      if (gtid !== null) this.#at.add(gtid);
      this.#groups += 1;
      this.#settle(group.end);
    }
    this.#hasDefinition = false;
    this.#changesSystem = false;
  }

  #next(group: Group): Pick<AppliedPlace, 'halves' | 'apart'> {
    const { gtid, start, transactional } = group;
    const name = gtid === null ? `the group at ${start}` : formatGtid(gtid);
    const isTransaction = isPlain(group) && !this.#hasDefinition && !this.#changesSystem;
    const isUndone = !this.#mayBeBegun && this.#hasDefinition && isStatement(group);
    return {
      halves: isTransaction && transactional === true ? null : name,
      apart: isTransaction || isUndone ? null : name,
    };
  }

  #settle(position: number): void {
    if (!this.#isThere(position)) return;
    this.#place = {
      groups: this.#groups,
      gtidState: this.#at.toString(),
      next: { range: this.range, position },
      halves: null,
      apart: null,
      temporaryTables: this.#usesTemporary,
    };
  }
}

const NAMES_SYSTEM = /(?:`mysql`|\bmysql)\s*\./i;

/** Without such a statement there is none to lose. The event's flag alone says little: dropping ordinary tables sets it too. */
function makesTemporary(text: string): boolean {
  return /\bcreate\b/i.test(text) && /\btemporary\b/i.test(text);
}

/** True when the group, in tables that know transactions, is done with its GTID in one commit, or not at all. MySQL does not say which tables. */
function isPlain({ ending, transactional, phase }: Group): boolean {
  return ending === 'commit' && transactional !== false && phase === undefined;
}

/** True for one statement by itself. */
function isStatement({ ending, phase }: Group): boolean {
  return ending === 'statement' && phase === undefined;
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
            wantsRows: () => search.isBehind,
            rows: ({ schema, offset }) => {
              if (offset < range.to) search.rows(schema);
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
