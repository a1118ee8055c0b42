import { createHash } from 'node:crypto';
import type { Group } from '../binlog/group.ts';
import type { Source } from './dialect.ts';
import type { Incident } from './incident.ts';
import { MAX_GAP_SECONDS, MAX_GROUPS_BETWEEN, type LoopPiece } from './loop-borders.ts';
import { MASS_FLOORS } from './mass-changes.ts';
import type { GroupRows } from './row-changes.ts';
import { decodeStatement } from './statement-text.ts';

/** Loops of so many tables and connections are followed at once; of more, the one that was quiet longest is over. */
const MOST_OPEN = 64;

/**
 * A group with fewer rows begins no loop: a queue whose workers delete what they have done would be one for ever. Once
 * there is one, groups of any size belong to it.
 */
export const LOOP_FLOORS: typeof MASS_FLOORS = { ...MASS_FLOORS, deleted: 25 };

/** 64 bits: keys are told apart within a few files only. */
const KEY_DIGITS = 16;

interface Loop {
  incident: Incident;
  groups: number;
  readonly firstTime: number;
  /** The count of groups read when its first one ended. */
  readonly firstAt: number;
  lastTime: number;
  /** The same of its newest one. */
  lastAt: number;
}

/** A loop's incident after one more group, and whether it was one before that group, and is one now. */
interface Joined {
  readonly incident: Incident;
  readonly wasMass: boolean;
  readonly isMass: boolean;
}

/**
 * Puts groups together that delete from one table again and again, as a loop of `DELETE ... LIMIT 1000` does: to a person
 * it is one incident, and it began with the first of them.
 */
export class DeleteLoops {
  readonly #open = new Map<string, Loop>();
  /** Those that may have begun in the file before: the first ones of the file. */
  readonly #heads = new Map<string, Loop>();
  #groups = 0;
  /** Of the file's first group, of its newest one, and of the newest one of a loop. */
  #firstTime = 0;
  #time = 0;
  #newestTime = 0;

  /** Counts every group; forgets loops that are over. */
  groupEnded({ time }: Pick<Group, 'time'>): void {
    if (this.#groups === 0) this.#firstTime = time;
    this.#groups += 1;
    this.#time = time;
    if (this.#open.size > 0 && time - this.#newestTime > MAX_GAP_SECONDS) this.#open.clear();
  }

  get isAnyOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Another file begins. */
  clear(): void {
    this.#open.clear();
    this.#heads.clear();
    this.#groups = 0;
  }

  /** What may have begun in the file before, and what may go on in the next one, in the file's order. */
  get pieces(): LoopPiece[] {
    const tails = [...this.#open.values()].filter(({ lastTime }) => this.#time - lastTime <= MAX_GAP_SECONDS);
    const keys = new Map([...this.#heads, ...this.#open].map(([key, loop]) => [loop, key]));
    return [...new Set([...this.#heads.values(), ...tails])]
      .map((loop) => this.#pieceOf(loop, keys.get(loop) ?? ''))
      .sort((a, b) => a.start - b.start);
  }

  #pieceOf({ incident, groups, firstTime, firstAt, lastTime, lastAt }: Loop, key: string): LoopPiece {
    const { id, file, start, end, lastEnd = end, rows } = incident;
    return {
      key: createHash('sha256').update(key).digest('hex').slice(0, KEY_DIGITS),
      incident: id,
      ...{ file, start, end: lastEnd, deleted: rows.deleted, groups, firstTime, lastTime },
      before: firstAt - 1,
      after: this.#groups - lastAt,
    };
  }

  /** Begins a loop with a group that is, or may become, an incident. */
  begin(key: string, incident: Incident, { time }: Pick<Group, 'time'>): void {
    const at = this.#groups;
    const loop: Loop = { incident, groups: 1, firstTime: time, firstAt: at, lastTime: time, lastAt: at };
    this.#open.delete(key);
    this.#open.set(key, loop);
    this.#newestTime = time;
    const isEarly = time - this.#firstTime <= MAX_GAP_SECONDS && at <= MAX_GROUPS_BETWEEN;
    if (isEarly && this.#heads.size < MOST_OPEN && !this.#heads.has(key)) this.#heads.set(key, loop);
    const [oldest] = this.#open.keys();
    if (this.#open.size > MOST_OPEN && oldest !== undefined) this.#open.delete(oldest);
  }

  /** Adds a group to its loop; null when there is no such loop. */
  join(key: string, rows: GroupRows, { time, end }: Pick<Group, 'time' | 'end'>): Joined | null {
    const loop = this.#open.get(key);
    if (loop === undefined) return null;
    this.#open.delete(key); // the newest goes to the end
    if (time - loop.lastTime > MAX_GAP_SECONDS || this.#groups - loop.lastAt > MAX_GROUPS_BETWEEN) return null;
    const was = loop.incident;
    loop.groups += 1;
    loop.incident = { ...was, ...grown(was, rows), groups: loop.groups, lastEnd: end };
    loop.lastTime = time;
    loop.lastAt = this.#groups;
    this.#open.set(key, loop);
    this.#newestTime = time;
    return { incident: loop.incident, wasMass: isMass(was), isMass: isMass(loop.incident) };
  }
}

function isMass({ rows }: Incident): boolean {
  return rows.deleted >= MASS_FLOORS.deleted;
}

function grown({ rows, objects }: Incident, { deleted }: GroupRows): Pick<Incident, 'rows' | 'objects'> {
  const [object] = objects;
  const total = { ...rows, deleted: rows.deleted + deleted };
  return {
    rows: total,
    objects: object === undefined ? objects : [{ ...object, rows: { deleted: total.deleted, updated: 0 } }],
  };
}

/** What the groups of one loop have in common; null for a group that cannot be of a loop. */
export function loopKey({ threadId, serverId, ending, phase }: Group, rows: GroupRows, source: Source): string | null {
  const [table] = rows.tables;
  const isPlain = ending === 'commit' && phase === undefined && rows.uncounted.deleted === 0;
  if (table === undefined || rows.tables.length > 1 || rows.updated > 0 || rows.deleted === 0 || !isPlain) return null;
  // MariaDB's row events do not tell their thread before 11.5: the statement, but for its values, does instead.
  const who =
    threadId === null ? withoutValues(decodeStatement(rows.statements.deleted, null, source.flavor).text) : threadId;
  return [serverId, table.schema, table.table, who].join('\0');
}

const VALUES = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|\b0x[\da-f]+\b|[-+]?\b\d+(?:\.\d+)?\b/gi;

function withoutValues(statement: string): string {
  return statement.replaceAll(VALUES, '?').replaceAll(/\?(?:\s*,\s*\?)+/g, '?');
}
