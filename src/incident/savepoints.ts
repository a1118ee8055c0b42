/** What a statement does to the savepoints of its transaction. */
export interface SavepointStep {
  readonly to: 'set' | 'undo';
  readonly name: string;
}

/** Servers write these statements themselves, so: seen on MariaDB 10.11.19 and MySQL 5.6.24. A replica's may have no quotes. */
const SET = /^SAVEPOINT\s+(.*)$/is;
const UNDO = /^ROLLBACK\s+(?:WORK\s+)?TO\s+(?:SAVEPOINT\s+)?(.*)$/is;
/** Names have 64 characters at most. */
const LONGEST_BYTES = 600;
/** Their first two letters: no other statement that is common begins with them. */
const SA = 0x7361;
const RO = 0x726f;

/** Reads SAVEPOINT and ROLLBACK TO; null for all else, which is seen at the first letters. */
export function savepointStep(text: Buffer): SavepointStep | null {
  const letters = (((text[0] ?? 0) | 0x20) << 8) | (text[1] ?? 0) | 0x20;
  if ((letters !== SA && letters !== RO) || text.length > LONGEST_BYTES) return null;
  const [pattern, to] = letters === SA ? ([SET, 'set'] as const) : ([UNDO, 'undo'] as const);
  const name = pattern.exec(text.toString('latin1'))?.[1];
  return name === undefined ? null : { to, name: name.toLowerCase() };
}

/** Far more than a transaction has. What is forgotten counts as not taken back: it is shown. */
const MAX_REMEMBERED = 1000;

/** The savepoints of the group that is read, each with what was known when it was set. */
export class Savepoints<Mark> {
  readonly #marks = new Map<string, Mark>();

  set(name: string, mark: Mark): void {
    this.#marks.set(name, mark);
    if (this.#marks.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#marks.keys();
    if (oldest !== undefined) this.#marks.delete(oldest);
  }

  /** null when no such savepoint is known. */
  get(name: string): Mark | null {
    return this.#marks.get(name) ?? null;
  }

  clear(): void {
    if (this.#marks.size > 0) this.#marks.clear();
  }
}
