import type { Group } from '../binlog/group.ts';

const EVERY_BYTES = 1024 * 1024;

/**
 * A place from which a file can be read again without reading what is before it: the first group that starts
 * at or after each MiB. A sparse index: any group is found by the checkpoint before it and at most about one MiB of
 * reading, and the archiver writes one row for a MiB instead of one for each group.
 */
export interface Checkpoint {
  readonly file: string;
  /** Where the group starts, bytes from the file's start. */
  readonly offset: number;
  /** GTID state before the group, as the server writes it; null when the file does not say. */
  readonly gtidState: string | null;
  /** Of the group, seconds since 1970. */
  readonly time: number;
  /** Latest time of the file's groups before this one, seconds since 1970; null when it is the first. Never falls. */
  readonly maxTimeBefore: number | null;
  /** How many groups of the file end at or before `offset`. */
  readonly groupsBefore: number;
}

/** Picks checkpoints while groups go by. The same bytes give the same checkpoints, however often `drain` is called. */
export class CheckpointCollector {
  readonly #everyBytes: number;
  #file = '';
  #next: number;
  #groups = 0;
  #maxTime: number | null = null;
  #found: Checkpoint[] = [];

  /** @param everyBytes the shortest distance of two checkpoints' thresholds, bytes of file offset */
  constructor(everyBytes = EVERY_BYTES) {
    this.#everyBytes = everyBytes;
    this.#next = everyBytes;
  }

  /** Must come before the first group of each file, and only when the file is read from its start. */
  enterFile(file: string): void {
    this.#file = file;
    this.#next = this.#everyBytes;
    this.#groups = 0;
    this.#maxTime = null;
  }

  /** @param before gives the GTID state before the group; called only when a checkpoint is due */
  group(group: Group, before: () => string | null): void {
    if (group.start >= this.#next) this.#take(group, before());
    this.#groups += 1;
    this.#maxTime = Math.max(this.#maxTime ?? group.time, group.time);
  }

  #take({ start, time }: Group, gtidState: string | null): void {
    this.#found.push({
      file: this.#file,
      offset: start,
      gtidState,
      time,
      maxTimeBefore: this.#maxTime,
      groupsBefore: this.#groups,
    });
    this.#next = (Math.floor(start / this.#everyBytes) + 1) * this.#everyBytes;
  }

  /** Hands over what was found since the last call. */
  drain(): Checkpoint[] {
    const found = this.#found;
    this.#found = [];
    return found;
  }
}
