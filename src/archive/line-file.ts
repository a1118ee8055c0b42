import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storageFailure, syncDirectory } from '../platform/durable-file.ts';
import { hasCode } from '../platform/error-code.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { acquireLock, type Lock } from '../platform/lock.ts';
import { pause } from '../platform/wait.ts';
import { readLines, renderLine, wholeLines, type WholeLines } from './ledger-lines.ts';

/** The entries of a file as it stands, whatever is wrong with it. */
export interface ReadEntries<T> {
  /** Of the good lines, in the order they were added. */
  readonly entries: readonly T[];
  /** One sentence for each bad line, with its number; the first is line 1. */
  readonly problems: readonly string[];
}

export interface LineFileOptions<T> {
  readonly path: string;
  /** What messages call it: 'ledger'. */
  readonly name: string;
  /** What a line must be. */
  readonly isEntry: (record: object) => record is T & object;
}

/** How long another process may take to add its own line. */
const LOCK_TIMEOUT_MS = 10_000;
const LOCK_POLL_MS = 20;

/** A file of JSON documents, one a line, each with its hash; lines are only ever added, by one process at a time. */
export class LineFile<T extends object> {
  readonly #options: LineFileOptions<T>;

  constructor(options: LineFileOptions<T>) {
    this.#options = options;
  }

  /**
   * Adds an entry, unless `isKnown` says that one of those before makes it needless. Durable when it returns, the known one too.
   *
   * Damage before it is no reason to lose this one too: that stays as it is, for readers to find.
   *
   * @returns whether it was added
   * @throws LastgoodError `STORAGE_FAILED`, `REPOSITORY_UNREADABLE` when the file cannot be read, `LOCKED`
   */
  async add(entry: T, isKnown: (entries: readonly T[]) => boolean): Promise<boolean> {
    const { path } = this.#options;
    await using _lock = await this.#lock();
    const whole = await this.#whole();
    const known = isKnown(this.#judge(whole.lines).entries);
    try {
      await using file = await open(path, 'a', 0o600);
      await file.truncate(whole.bytes);
      if (!known) await file.appendFile(this.#nextLine(entry, whole));
      await file.sync(); // also of a known one: the sync after its first writing may have failed
      await syncDirectory(dirname(path));
    } catch (error) {
      throw storageFailure(path, error);
    }
    return !known;
  }

  /**
   * All entries, in the order they were added.
   *
   * @throws LastgoodError `REPOSITORY_UNREADABLE`, also for a line that is no entry, or is not as it was written
   */
  async entries(): Promise<T[]> {
    const { entries, problems } = await this.read();
    // An entry that may have been changed may have been another one: none is relied on then.
    if (problems[0] !== undefined) throw this.#unreadable(problems[0], { hint: this.#damagedHint() });
    return [...entries];
  }

  /** Every line, also when some are damaged. @throws LastgoodError `REPOSITORY_UNREADABLE` when the file cannot be read */
  async read(): Promise<ReadEntries<T>> {
    return this.#judge((await this.#whole()).lines);
  }

  /** Several processes share the file, and a torn line may be cut off only while nobody writes one. */
  async #lock(): Promise<Lock> {
    const path = `${this.#options.path}.lock`;
    const deadline = performance.now() + LOCK_TIMEOUT_MS;
    for (;;) {
      try {
        return await acquireLock(path, this.#options.name);
      } catch (error) {
        if (!isLastgoodError(error, 'LOCKED') || performance.now() >= deadline) throw error;
      }
      await pause(LOCK_POLL_MS);
    }
  }

  /** What a crash tore while it was added nobody relied on yet. */
  async #whole(): Promise<WholeLines> {
    try {
      return wholeLines(await readFile(this.#options.path));
    } catch (cause) {
      if (hasCode(cause, 'ENOENT')) return wholeLines(Buffer.alloc(0));
      throw this.#unreadable('the file cannot be read', { cause });
    }
  }

  /** Behind a line that has lost its end it brings one along. */
  #nextLine(entry: T, { lines, isEndLost }: WholeLines): string {
    const isBehindGood = readLines(lines, this.#options.isEntry).at(-1)?.problem === null;
    const line = renderLine(entry, isBehindGood ? (lines.at(-1) ?? null) : null);
    return isEndLost ? `\n${line}` : line;
  }

  #judge(lines: readonly string[]): ReadEntries<T> {
    const entries: T[] = [];
    const problems: string[] = [];
    for (const [index, { record, problem }] of readLines(lines, this.#options.isEntry).entries()) {
      if (problem !== null) problems.push(`line ${index + 1} ${problem}`);
      else if (record !== null) entries.push(record);
    }
    return { entries, problems };
  }

  #unreadable(why: string, more: { cause?: unknown; hint?: string }): LastgoodError {
    const { name, path } = this.#options;
    return new LastgoodError('REPOSITORY_UNREADABLE', `cannot read the ${name} '${path}': ${why}`, more);
  }

  #damagedHint(): string {
    const { name } = this.#options;
    return `Run \`lastgood verify\`, which names every bad line. Keep the file, and put the ${name} of a second copy of the archive in its place.`;
  }
}
