import { formatGtid } from '../../../binlog/gtid-text.ts';
import type { Group } from '../../../binlog/group.ts';

/** Groups side by side that are about the same schemas. */
export interface GroupRuns {
  readonly starts: number[];
  readonly ends: number[];
  /** Indices of `GroupSets.sets`. */
  readonly sets: number[];
}

/** All groups that are about the same schemas. */
export interface GroupSet {
  /** In lower case; none: it is about all of the server. */
  readonly schemas: readonly string[];
  groups: number;
  bytes: number;
  /** The newest of each GTID domain, and the newest of all. */
  readonly newest: Map<number, NewestGroup>;
  last: NewestGroup | null;
}

export interface NewestGroup {
  readonly gtid: string | null;
  /** Seconds since 1970. */
  readonly time: number;
  /** Counts up with the log. */
  readonly order: number;
}

/** Each run takes some 24 bytes. */
const MOST_RUNS = 1_000_000;

/** Which groups of a log are about which schemas, without the groups themselves: memory depends on how often they take turns. */
export class GroupSets {
  readonly sets: GroupSet[] = [];
  /** By `fileKey`. */
  readonly runs = new Map<string, GroupRuns>();
  readonly #indices = new Map<string, number>();
  #order = 0;
  #count = 0;

  /** False: so often do they take turns that the rest was not noted. */
  get isWhole(): boolean {
    return this.#count <= MOST_RUNS;
  }

  get groups(): number {
    return this.#order;
  }

  add(
    file: string,
    { start, end, gtid, time }: Pick<Group, 'start' | 'end' | 'gtid' | 'time'>,
    schemas: Set<string>,
  ): void {
    const index = this.#indexOf(schemas);
    const set = this.sets[index];
    if (set === undefined) return;
    this.#order += 1;
    set.groups += 1;
    set.bytes += end - start;
    set.last = { gtid: gtid === null ? null : formatGtid(gtid), time, order: this.#order };
    if (gtid?.flavor === 'mariadb') set.newest.set(gtid.domain, set.last);
    this.#addRun(file, { start, end, index });
  }

  #indexOf(schemas: Set<string>): number {
    const names = [...schemas].sort();
    const key = names.join('\0');
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    this.#indices.set(key, this.sets.length);
    return this.sets.push({ schemas: names, groups: 0, bytes: 0, newest: new Map(), last: null }) - 1;
  }

  #addRun(file: string, { start, end, index }: { start: number; end: number; index: number }): void {
    let runs = this.runs.get(file);
    if (runs === undefined) this.runs.set(file, (runs = { starts: [], ends: [], sets: [] }));
    const last = runs.sets.length - 1;
    if (runs.sets[last] === index && runs.ends[last] === start) {
      runs.ends[last] = end;
      return;
    }
    this.#count += 1;
    if (!this.isWhole) return;
    runs.starts.push(start);
    runs.ends.push(end);
    runs.sets.push(index);
  }
}
