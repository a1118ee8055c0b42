import { LastgoodError } from '../platform/errors.ts';
import type { Gtid, GtidState } from './gtid.ts';

/** A MySQL GTID. `tag` is '' for untagged ones; tags exist since MySQL 8.3. */
export interface MysqlGtid {
  readonly flavor: 'mysql';
  /** Lower case, with dashes. */
  readonly uuid: string;
  readonly tag: string;
  readonly number: number;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TAG = /^[a-z_][a-z0-9_]{0,31}$/;

/** Writes `uuid:4711` or `uuid:tag:4711`. */
export function formatMysqlGtid({ uuid, tag, number }: MysqlGtid): string {
  return tag === '' ? `${uuid}:${number}` : `${uuid}:${tag}:${number}`;
}

/** Parses `uuid:4711` or `uuid:tag:4711`. @throws LastgoodError `GTID_INVALID` */
export function parseMysqlGtid(text: string): MysqlGtid {
  const parts = text.trim().toLowerCase().split(':');
  const uuid = parts[0] ?? '';
  const tag = parts.length === 3 ? (parts[1] ?? '') : '';
  const digits = parts.at(-1) ?? '';
  const number = /^\d+$/.test(digits) ? Number(digits) : 0;
  const shaped = parts.length === 2 || (parts.length === 3 && TAG.test(tag));
  if (!shaped || !UUID.test(uuid) || !Number.isSafeInteger(number) || number < 1) {
    throw new LastgoodError('GTID_INVALID', `cannot read MySQL GTID '${text}'`);
  }
  return { flavor: 'mysql', uuid, tag, number };
}

/** `[first, end)` of transaction numbers. */
interface Interval {
  first: number;
  end: number;
}

/** What a set holds of one uuid and tag. */
export interface GtidIntervals {
  readonly uuid: string;
  readonly tag: string;
  /** Ordered; they neither overlap nor touch. */
  readonly intervals: readonly Readonly<Interval>[];
}

/**
 * A set of MySQL GTIDs, kept as ordered, disjoint, non-touching intervals for each uuid and tag.
 * Source: MySQL 8.4 manual, "GTID Format and Storage".
 */
export class GtidSet implements GtidState {
  readonly flavor = 'mysql';
  readonly #intervals = new Map<string, Interval[]>();

  /** Parses `uuid:1-5:7,uuid2:tag:1:tag2:3`, with blanks and line breaks as the server prints them. @throws LastgoodError `GTID_INVALID` */
  static parse(text: string): GtidSet {
    const set = new GtidSet();
    for (const part of text.toLowerCase().replaceAll(/\s/g, '').split(',')) if (part !== '') set.#parseUuid(part, text);
    return set;
  }

  #parseUuid(part: string, whole: string): void {
    const [uuid = '', ...rest] = part.split(':');
    let tag = '';
    if (!UUID.test(uuid) || rest.length === 0) throw invalidSet(whole);
    for (const item of rest) {
      const range = /^(\d+)(?:-(\d+))?$/.exec(item);
      if (range === null) {
        if (!TAG.test(item)) throw invalidSet(whole);
        tag = item;
        continue;
      }
      const first = Number(range[1]);
      const last = Number(range[2] ?? range[1]);
      if (first < 1 || !Number.isSafeInteger(last)) throw invalidSet(whole);
      if (last >= first) this.addInterval({ uuid, tag, first, end: last + 1 });
    }
  }

  add(gtid: Gtid): void {
    const { uuid, tag, number } = mysql(gtid);
    const last = this.#intervals.get(keyOf(uuid, tag))?.at(-1);
    if (last?.end === number) last.end += 1;
    else this.addInterval({ uuid, tag, first: number, end: number + 1 });
  }

  /** Adds `[first, end)`. */
  addInterval({ uuid, tag, first, end }: { uuid: string; tag: string; first: number; end: number }): void {
    if (end <= first) return;
    const key = keyOf(uuid, tag);
    const old = this.#intervals.get(key) ?? [];
    if (first > (old.at(-1)?.end ?? -1)) {
      // The usual order: a set of many intervals is built in linear time.
      this.#intervals.set(key, old);
      old.push({ first, end });
      return;
    }
    const before = old.filter((interval) => interval.end < first);
    const after = old.filter((interval) => interval.first > end);
    const touching = old.slice(before.length, old.length - after.length);
    const merged = {
      first: Math.min(first, touching[0]?.first ?? first),
      end: Math.max(end, touching.at(-1)?.end ?? end),
    };
    this.#intervals.set(key, [...before, merged, ...after]);
  }

  contains(gtid: Gtid): boolean {
    const { uuid, tag, number } = mysql(gtid);
    return (this.#intervals.get(keyOf(uuid, tag)) ?? []).some(({ first, end }) => first <= number && number < end);
  }

  /** Everything of either set. */
  union(other: GtidSet): GtidSet {
    const all = this.clone();
    for (const [key, intervals] of other.#intervals)
      for (const item of intervals) all.addInterval({ ...splitKey(key), ...item });
    return all;
  }

  /** What this set has and `other` has not. */
  subtract(other: GtidSet): GtidSet {
    const rest = new GtidSet();
    for (const [key, intervals] of this.#intervals) {
      const holes = other.#intervals.get(key) ?? [];
      for (const interval of intervals) {
        for (const piece of subtractHoles(interval, holes)) rest.addInterval({ ...splitKey(key), ...piece });
      }
    }
    return rest;
  }

  /** True when every GTID of `other` is in this set. */
  includes(other: GtidSet): boolean {
    return other.subtract(this).size === 0;
  }

  /** How many GTIDs are in the set. */
  get size(): number {
    let size = 0;
    for (const intervals of this.#intervals.values()) for (const { first, end } of intervals) size += end - first;
    return size;
  }

  equals(other: GtidState): boolean {
    return other.flavor === 'mysql' && other.toString() === this.toString();
  }

  clone(): GtidSet {
    const copy = new GtidSet();
    for (const [key, intervals] of this.#intervals)
      copy.#intervals.set(
        key,
        intervals.map((interval) => ({ ...interval })),
      );
    return copy;
  }

  /** Ordered by uuid and tag, as the server writes them. */
  entries(): GtidIntervals[] {
    const keys = [...this.#intervals.keys()].sort();
    return keys.map((key) => ({ ...splitKey(key), intervals: this.#intervals.get(key) ?? [] }));
  }

  toString(): string {
    const byUuid = new Map<string, string[]>();
    for (const { uuid, tag, intervals } of this.entries()) {
      const items = intervals.map(({ first, end }) => (end - first === 1 ? `${first}` : `${first}-${end - 1}`));
      byUuid.set(uuid, [...(byUuid.get(uuid) ?? [uuid]), ...(tag === '' ? [] : [tag]), ...items]);
    }
    return [...byUuid.values()].map((items) => items.join(':')).join(',');
  }
}

function subtractHoles(interval: Interval, holes: readonly Interval[]): Interval[] {
  const pieces: Interval[] = [];
  let { first } = interval;
  for (const hole of holes) {
    if (hole.end <= first || hole.first >= interval.end) continue;
    if (hole.first > first) pieces.push({ first, end: hole.first });
    first = hole.end;
  }
  if (first < interval.end) pieces.push({ first, end: interval.end });
  return pieces;
}

/** A colon sorts before every tag character, so an uuid's untagged intervals come first, as the server prints them. */
function keyOf(uuid: string, tag: string): string {
  return `${uuid}:${tag}`;
}

function splitKey(key: string): { uuid: string; tag: string } {
  return { uuid: key.slice(0, 36), tag: key.slice(37) };
}

function invalidSet(text: string): LastgoodError {
  return new LastgoodError('GTID_INVALID', `cannot read MySQL GTID set '${text}'`);
}

function mysql(gtid: Gtid): MysqlGtid {
  if (gtid.flavor === 'mysql') return gtid;
  throw new LastgoodError('GTID_INVALID', 'a MariaDB GTID was given where a MySQL GTID is needed');
}
