/**
 * What was told of incidents, and up to where. One archiver writes it, so that after a crash nothing is told twice
 * that is known to have arrived, and nothing is left untold. Enters: what became of an alert. Leaves: the same, after a restart.
 */
import { open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { compareCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { storageFailure, syncDirectory, writeFileDurably } from '../platform/durable-file.ts';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';
import { RecentKeys } from '../platform/recent-keys.ts';
import { readLines, renderLine, wholeLines } from './ledger-lines.ts';

/** A place in one lineage's log. */
export interface LogPlace extends Coordinates {
  readonly lineage: string;
}

/** An incident that a channel was told of. */
export interface Told {
  readonly kind: 'told';
  readonly channel: string;
  /** Of the incident and the state it was told with. */
  readonly key: string;
  readonly incident: string;
  /** RFC 3339, UTC. */
  readonly at: string;
}

/** Many incidents in one: all up to `through` that the channel had not been told of before. */
export interface ToldTogether {
  readonly kind: 'told-together';
  readonly channel: string;
  readonly incidents: number;
  readonly through: LogPlace;
  readonly at: string;
}

/** From `at` on a channel took nothing. */
export interface ChannelFailure {
  readonly kind: 'failed';
  readonly channel: string;
  readonly why: string;
  readonly waiting: number;
  readonly at: string;
}

/** Every incident before this place is dealt with, on every channel. */
export interface Stood extends LogPlace {
  readonly kind: 'stood';
  /** True when the archive had all that its source had: what comes behind is new. */
  readonly current: boolean;
  readonly at: string;
}

/** One line of `alerts-<name>.jsonl`. */
export type AlertLine = Told | ToldTogether | ChannelFailure | Stood;

/** Above this many bytes a file is made short when it is opened. */
const LONG_BYTES = 1_048_576;
/** Lines that stay then for a person to look at. */
const KEPT_LINES = 500;
/** Told keys that still count behind a newer `stood`. */
const KEPT_KEYS = 1000;

/** An open record; the caller holds the archiver's lock. */
export class AlertRecord implements AsyncDisposable {
  readonly #path: string;
  /** Null: it is not kept. */
  readonly #handle: FileHandle | null;
  #lastLine: string | null;
  /** Since `stood`: all. */
  readonly #keys = new Set<string>();
  /** A run of deletes that goes on is met again behind `stood`, and so is what stands behind something pending. */
  readonly #recentKeys = new RecentKeys(KEPT_KEYS);
  readonly #through = new Map<string, LogPlace>();
  #stood: Stood | null = null;

  private constructor(path: string, handle: FileHandle | null, lines: readonly string[]) {
    this.#path = path;
    this.#handle = handle;
    this.#lastLine = lines.at(-1) ?? null;
    for (const { record } of readLines(lines, isAlertLine)) if (record !== null) this.#apply(record);
  }

  /**
   * Opens the record, making it when there is none. A damaged line counts as not there: an alert may come again then.
   *
   * @throws LastgoodError `REPOSITORY_UNREADABLE`, `STORAGE_FAILED`
   */
  static async open(path: string): Promise<AlertRecord> {
    const whole = wholeLines(await readOrEmpty(path));
    let handle: FileHandle | null = null;
    try {
      const lines = whole.bytes > LONG_BYTES ? await shorten(path, whole.lines) : whole.lines;
      handle = await open(path, 'a', 0o600);
      if (lines === whole.lines) await handle.truncate(whole.bytes);
      if (whole.isEndLost && lines === whole.lines) await handle.appendFile('\n');
      await handle.sync();
      await syncDirectory(dirname(path));
      return new AlertRecord(path, handle, lines);
    } catch (error) {
      await handle?.close();
      throw storageFailure(path, error);
    }
  }

  /** One that ends with the process. */
  static unkept(): AlertRecord {
    return new AlertRecord('', null, []);
  }

  /** The newest place before which all is dealt with; null in a new record. */
  get stood(): Stood | null {
    return this.#stood;
  }

  /** True when the channel was told of this key since `stood`, or it is one of the last thousand before. */
  isTold(channel: string, key: string): boolean {
    const told = `${channel} ${key}`;
    return this.#keys.has(told) || this.#recentKeys.has(told);
  }

  /** The place behind `stood` up to which the channel was told of all, many in one; null when there is none. */
  toldThrough(channel: string): LogPlace | null {
    return this.#through.get(channel) ?? null;
  }

  /** Adds a line. It counts at once, and is durable when this returns. @throws LastgoodError `STORAGE_FAILED` */
  async add(line: AlertLine): Promise<void> {
    this.#apply(line);
    if (this.#handle === null) return;
    const text = renderLine(line, this.#lastLine);
    this.#lastLine = asRead(text);
    try {
      await this.#handle.appendFile(text);
      await this.#handle.datasync();
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
  }

  #apply(line: AlertLine): void {
    if (line.kind === 'told') this.#told(`${line.channel} ${line.key}`);
    if (line.kind === 'told-together') this.#through.set(line.channel, line.through);
    if (line.kind !== 'stood') return;
    this.#stood = line;
    this.#keys.clear();
    for (const [channel, through] of this.#through) if (!isBehind(through, line)) this.#through.delete(channel);
  }

  #told(key: string): void {
    this.#keys.add(key);
    this.#recentKeys.add(key);
  }
}

/** All that a record tells, the oldest first; without bad lines. @throws LastgoodError `REPOSITORY_UNREADABLE` */
export async function readAlertRecord(path: string): Promise<AlertLine[]> {
  const { lines } = wholeLines(await readOrEmpty(path));
  return readLines(lines, isAlertLine).flatMap(({ record }) => (record === null ? [] : [record]));
}

async function readOrEmpty(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return Buffer.alloc(0);
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read the record of alerts '${path}'`, { cause });
  }
}

/** It stood there only because something before it is pending. */
function isBehind(through: LogPlace, stood: LogPlace): boolean {
  return through.lineage === stood.lineage && compareCoordinates(through, stood) > 0;
}

/** Keeps all from the newest `stood` on, and before it what still counts and some more. @returns the lines as they stand in the file now */
async function shorten(path: string, lines: readonly string[]): Promise<readonly string[]> {
  const read = readLines(lines, isAlertLine).flatMap(({ record }) => (record === null ? [] : [record]));
  const stood = read.findLastIndex(({ kind }) => kind === 'stood');
  const told = read.flatMap(({ kind }, index) => (kind === 'told' || kind === 'told-together' ? [index] : []));
  const counting = new Set(told.slice(-KEPT_KEYS));
  const all = Math.max(0, Math.min(stood, read.length - KEPT_LINES));
  const kept = read.filter((_, index) => index >= all || counting.has(index));
  const written: string[] = [];
  for (const line of kept) written.push(asRead(renderLine(line, written.at(-1) ?? null)));
  await writeFileDurably(path, Buffer.from(written.map((line) => `${line}\n`).join(''), 'latin1'));
  return written;
}

/** A rendered line as `wholeLines` gives it. */
function asRead(text: string): string {
  return Buffer.from(text.slice(0, -1)).toString('latin1');
}

const CHANNEL_KINDS = ['told', 'told-together', 'failed'];

function isAlertLine(record: object): record is AlertLine {
  const { kind, channel, lineage } = record as Partial<Record<'kind' | 'channel' | 'lineage', unknown>>;
  if (kind === 'stood') return typeof lineage === 'string';
  return CHANNEL_KINDS.includes(String(kind)) && typeof channel === 'string';
}
