/**
 * What was lost, on paper. Enters: an entry. Leaves: every entry ever made, in order. Lines are added and never changed
 * or removed; nothing in the product erases one.
 */
import { open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { storageFailure, syncDirectory } from '../platform/durable-file.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { acquireLock, type Lock } from '../platform/lock.ts';
import { pause } from '../platform/wait.ts';
import { readLines, renderLine, wholeLines, type WholeLines } from './ledger-lines.ts';

/** One line of the ledger. */
export type LedgerEntry = Gap | Break | Stranded | SourceIncident;

interface LedgerFacts {
  /** The lineage in which `from` lies. */
  readonly lineage: string;
  /** FILE:POSITION, where it begins. */
  readonly from: string;
  /** FILE:POSITION, where it ends. */
  readonly to: string;
  readonly why: string;
  /** RFC 3339, UTC: when it was noticed. */
  readonly noticedAt: string;
}

/** Bytes known to be missing: from just after what is archived up to where the source goes on. */
export interface Gap extends LedgerFacts {
  readonly kind: 'gap';
  /** The lineage that begins at `to`; not in entries of earlier versions. */
  readonly child?: string;
}

/** The end of a history without a known continuation: `from` is where the lineage ends, `to` where the new one begins. */
export interface Break extends LedgerFacts {
  readonly kind: 'break';
  /** The lineage that begins at `to`. */
  readonly child: string;
}

/** Groups `[from, to)` that only the old primary had when another one took over: archived, and not on the new one. */
export interface Stranded extends LedgerFacts {
  readonly kind: 'stranded';
  /** The lineage of the new primary. */
  readonly child: string;
  readonly groups: number;
  /** Null where the source writes no GTIDs. */
  readonly firstGtid: string | null;
  readonly lastGtid: string | null;
}

/** The source's own note, an INCIDENT event `[from, to)`, that events may be missing behind it. */
export interface SourceIncident extends LedgerFacts {
  readonly kind: 'source-incident';
}

/** The ledger as it stands, whatever is wrong with it. */
export interface ReadLedger {
  /** Of the good lines, in the order they were noticed. */
  readonly entries: readonly LedgerEntry[];
  /** One sentence for each bad line, with its number; the first is line 1. */
  readonly problems: readonly string[];
}

/** How long another process may take to add its own line. */
const LOCK_TIMEOUT_MS = 10_000;
const LOCK_POLL_MS = 20;

/** Losses, one JSON document a line. */
export class Ledger {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Adds an entry; the same loss noticed again is not written twice. Durable when it returns.
   *
   * Damage before it is no reason to lose this one too: that stays as it is, for readers to find.
   *
   * @returns whether it was not known before
   * @throws LastgoodError `STORAGE_FAILED`, `REPOSITORY_UNREADABLE` when the file cannot be read, `LOCKED`
   */
  async record(entry: LedgerEntry): Promise<boolean> {
    await using _lock = await this.#lock();
    const whole = await this.#whole();
    const isKnown = judge(whole.lines).entries.some((known) => isSameLoss(known, entry));
    try {
      await using file = await open(this.#path, 'a', 0o600);
      await file.truncate(whole.bytes);
      if (!isKnown) await file.appendFile(nextLine(entry, whole));
      await file.sync(); // also of a known one: the sync after its first writing may have failed
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
    return !isKnown;
  }

  /**
   * All entries, in the order they were noticed.
   *
   * @throws LastgoodError `REPOSITORY_UNREADABLE`, also for a line that is no entry, or is not as it was written
   */
  async entries(): Promise<LedgerEntry[]> {
    return this.#intact((await this.#whole()).lines);
  }

  /** Every line, also when some are damaged. @throws LastgoodError `REPOSITORY_UNREADABLE` when the file cannot be read */
  async read(): Promise<ReadLedger> {
    return judge((await this.#whole()).lines);
  }

  /** Those of bytes that were purged before they were archived. */
  async gaps(): Promise<Gap[]> {
    return (await this.entries()).filter((entry) => entry.kind === 'gap');
  }

  /** Two archivers share the ledger, and a torn line may be cut off only while nobody writes one. */
  async #lock(): Promise<Lock> {
    const path = `${this.#path}.lock`;
    const deadline = performance.now() + LOCK_TIMEOUT_MS;
    for (;;) {
      try {
        return await acquireLock(path, 'ledger');
      } catch (error) {
        if (!isLastgoodError(error, 'LOCKED') || performance.now() >= deadline) throw error;
      }
      await pause(LOCK_POLL_MS);
    }
  }

  /** What a crash tore while it was added nobody relied on yet. */
  async #whole(): Promise<WholeLines> {
    try {
      return wholeLines(await readFile(this.#path));
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return wholeLines(Buffer.alloc(0));
      throw this.#unreadable('the file cannot be read', { cause });
    }
  }

  /** An entry that may have been changed may have been another loss, at another place: none is relied on then. */
  #intact(lines: readonly string[]): LedgerEntry[] {
    const { entries, problems } = judge(lines);
    if (problems[0] !== undefined) throw this.#unreadable(problems[0], { hint: DAMAGED_HINT });
    return [...entries];
  }

  #unreadable(why: string, more: { cause?: unknown; hint?: string }): LastgoodError {
    return new LastgoodError('REPOSITORY_UNREADABLE', `cannot read the ledger '${this.#path}': ${why}`, more);
  }
}

const DAMAGED_HINT =
  'Run `lastgood verify`, which names every bad line. Keep the file, and put the ledger of a second copy of the archive in its place.';

/** A kind of a later version is kept and shown: an unknown loss is a loss. */
const REQUIRED = ['kind', 'lineage', 'from', 'to', 'why', 'noticedAt'] as const;

/** Behind a line that has lost its end it brings one along. */
function nextLine(entry: LedgerEntry, { lines, isEndLost }: WholeLines): string {
  const isBehindGood = readLines(lines, isEntry).at(-1)?.problem === null;
  const line = renderLine(entry, isBehindGood ? (lines.at(-1) ?? null) : null);
  return isEndLost ? `\n${line}` : line;
}

function judge(lines: readonly string[]): ReadLedger {
  const entries: LedgerEntry[] = [];
  const problems: string[] = [];
  for (const [index, { record, problem }] of readLines(lines, isEntry).entries()) {
    if (problem !== null) problems.push(`line ${index + 1} ${problem}`);
    else if (record !== null) entries.push(record);
  }
  return { entries, problems };
}

function isEntry(record: object): record is LedgerEntry {
  const fields = record as Partial<Record<keyof LedgerFacts | 'kind', unknown>>;
  return REQUIRED.every((key) => typeof fields[key] === 'string');
}

/** The same place of the same kind: what else is told about it does not make it another loss. */
function isSameLoss(a: LedgerEntry, b: LedgerEntry): boolean {
  return (
    a.kind === b.kind && a.lineage === b.lineage && a.from === b.from && a.to === b.to && childOf(a) === childOf(b)
  );
}

function childOf(entry: LedgerEntry): string | undefined {
  return 'child' in entry ? entry.child : undefined;
}
