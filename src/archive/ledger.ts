/**
 * What was lost, on paper. Enters: an entry. Leaves: every entry ever made, in order. Lines are added and never changed
 * or removed; nothing in the product erases one.
 */
import { LineFile, type ReadEntries } from './line-file.ts';

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

/** Losses, one JSON document a line. */
export class Ledger {
  readonly #file: LineFile<LedgerEntry>;

  constructor(path: string) {
    this.#file = new LineFile({ path, name: 'ledger', isEntry });
  }

  /**
   * Adds an entry; the same loss noticed again is not written twice. Durable when it returns, also behind damage.
   *
   * @returns whether it was not known before
   * @throws LastgoodError `STORAGE_FAILED`, `REPOSITORY_UNREADABLE` when the file cannot be read, `LOCKED`
   */
  async record(entry: LedgerEntry): Promise<boolean> {
    return await this.#file.add(entry, (known) => known.some((other) => isSameLoss(other, entry)));
  }

  /**
   * All entries, in the order they were noticed.
   *
   * @throws LastgoodError `REPOSITORY_UNREADABLE`, also for a line that is no entry, or is not as it was written
   */
  async entries(): Promise<LedgerEntry[]> {
    return await this.#file.entries();
  }

  /** Every line, also when some are damaged. @throws LastgoodError `REPOSITORY_UNREADABLE` when the file cannot be read */
  async read(): Promise<ReadEntries<LedgerEntry>> {
    return await this.#file.read();
  }

  /** Those of bytes that were purged before they were archived. */
  async gaps(): Promise<Gap[]> {
    return (await this.entries()).filter((entry) => entry.kind === 'gap');
  }
}

/** A kind of a later version is kept and shown: an unknown loss is a loss. */
const REQUIRED = ['kind', 'lineage', 'from', 'to', 'why', 'noticedAt'] as const;

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
