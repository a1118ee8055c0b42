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
   * @throws LastgoodError `STORAGE_FAILED`, `REPOSITORY_UNREADABLE` for a line that is no entry, `LOCKED`
   */
  async record(entry: LedgerEntry): Promise<void> {
    await using _lock = await this.#lock();
    const text = await this.#wholeLines();
    const isKnown = this.#parse(text).some((known) => isSameLoss(known, entry));
    try {
      await using file = await open(this.#path, 'a', 0o600);
      await file.truncate(Buffer.byteLength(text));
      if (!isKnown) await file.appendFile(`${JSON.stringify(entry)}\n`);
      await file.sync(); // also of a known one: the sync after its first writing may have failed
      await syncDirectory(dirname(this.#path));
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
  }

  /** All entries, in the order they were noticed. @throws LastgoodError `REPOSITORY_UNREADABLE` for a line that is none */
  async entries(): Promise<LedgerEntry[]> {
    return this.#parse(await this.#wholeLines());
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

  /** A last line without its end was torn by a crash while being added, before anyone relied on it. */
  async #wholeLines(): Promise<string> {
    try {
      const text = await readFile(this.#path, 'utf8');
      return withoutTornLine(text);
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return '';
      throw this.#unreadable('the file cannot be read', cause);
    }
  }

  #parse(text: string): LedgerEntry[] {
    const lines = text.split('\n').slice(0, -1);
    return lines.map((line, index) => this.#parseLine(line, index + 1));
  }

  #parseLine(line: string, number: number): LedgerEntry {
    try {
      const entry = JSON.parse(line) as Partial<Record<keyof LedgerFacts | 'kind', unknown>>;
      if (REQUIRED.every((key) => typeof entry[key] === 'string')) return entry as unknown as LedgerEntry;
    } catch (cause) {
      throw this.#unreadable(`line ${number} is no entry`, cause);
    }
    throw this.#unreadable(`line ${number} is no entry`);
  }

  #unreadable(why: string, cause?: unknown): LastgoodError {
    return new LastgoodError('REPOSITORY_UNREADABLE', `cannot read the ledger '${this.#path}': ${why}`, { cause });
  }
}

/** A kind of a later version is kept and shown: an unknown loss is a loss. */
const REQUIRED = ['kind', 'lineage', 'from', 'to', 'why', 'noticedAt'] as const;

/** The same place of the same kind: what else is told about it does not make it another loss. */
function isSameLoss(a: LedgerEntry, b: LedgerEntry): boolean {
  return (
    a.kind === b.kind && a.lineage === b.lineage && a.from === b.from && a.to === b.to && childOf(a) === childOf(b)
  );
}

function childOf(entry: LedgerEntry): string | undefined {
  return 'child' in entry ? entry.child : undefined;
}

/** Torn is a last line without its end, or one of which a power cut left zeros: JSON never holds those. */
function withoutTornLine(text: string): string {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1);
  const last = lines.lastIndexOf('\n', lines.length - 2) + 1;
  return lines.includes('\0', last) ? lines.slice(0, last) : lines;
}
