import { openSegment, readSegmentFormat } from '../../archive/read-segment.ts';
import type { Group, GroupVisitor, QueryEvent } from '../../binlog/group.ts';
import { readBinlog } from '../../binlog/read-binlog.ts';
import { savepointStep } from '../../incident/savepoints.ts';
import type { LogPart, Span } from './whole-events.ts';

/** Says why undoing the rows that the log holds would not lead back to what was before; null when it does. */
export async function whyNotUndoable({ segment, start, end, groups }: LogPart): Promise<string | null> {
  const { format } = await readSegmentFormat(segment);
  const check = new UndoCheck(groups ?? [{ start, end }]);
  await using source = await openSegment(segment, start);
  const { wholeTo } = await readBinlog(source, {
    visitor: check,
    verifyChecksums: true,
    start: { format, offset: start, gtidState: null },
    until: (offset) => offset >= end,
  });
  return check.why ?? (wholeTo < end ? `the log cannot be read after ${segment.file}:${wholeTo}` : null);
}

/** Of transactions that are not asked for nothing is said. */
class UndoCheck implements GroupVisitor {
  why: string | null = null;
  readonly #groups: ReadonlyMap<number, number>;
  /** Of the group that is read. */
  #doubt: string | null = null;

  constructor(groups: readonly Span[]) {
    this.#groups = new Map(groups.map(({ start, end }) => [start, end]));
  }

  query({ text }: QueryEvent): void {
    this.#doubt ??= doubtOf(text);
  }

  unread(): void {
    this.#doubt ??= 'part of its transaction cannot be read';
  }

  group({ start, end, ending }: Group): void {
    const rolledBack = ending === 'rollback' ? 'its transaction was rolled back' : null;
    if (this.#groups.get(start) === end) this.why ??= this.#doubt ?? rolledBack;
    this.#doubt = null;
  }

  torn(): void {
    this.#doubt = null;
  }
}

/** What the server itself writes into a transaction of rows. */
const HARMLESS = /^(?:XA|RELEASE)\s/i;
const HEAD_BYTES = 16;

function doubtOf(text: Buffer): string | null {
  const step = savepointStep(text);
  if (step?.to === 'undo') return 'its transaction took part of its changes back (ROLLBACK TO SAVEPOINT)';
  if (step !== null || HARMLESS.test(text.toString('latin1', 0, HEAD_BYTES))) return null;
  return 'its transaction also has statements in text form, whose rows the log does not hold';
}
