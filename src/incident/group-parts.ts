import type { IncidentObject } from './incident.ts';
import type { Part } from './part.ts';
import { MAX_STATEMENT_CHARACTERS } from './redact.ts';

/** Above it a savepoint is not remembered: what a ROLLBACK TO took back then counts as not taken back, and is shown. */
const MAX_PARTS = 10_000;

/** The parts of the group that is read. Statements about rows may come by the million: those alike are one part, with all their objects. */
export class GroupParts {
  #parts: Part[] = [];
  /** Those about rows since the newest savepoint, by what must be alike, with the objects that each has. */
  readonly #alike = new Map<string, { readonly at: number; readonly objects: Map<string, IncidentObject> }>();

  get count(): number {
    return this.#parts.length;
  }

  add(part: Part): void {
    const isOfMany = part.evidence === 'text' && (part.kind === 'mass-delete' || part.kind === 'mass-update');
    if (isOfMany) this.#join(part);
    else this.#parts.push(part);
  }

  includes(part: Part): boolean {
    return this.#parts.includes(part);
  }

  /** A savepoint is set here. @returns what `undoFrom` takes */
  mark(): number {
    if (this.#parts.length < MAX_PARTS) this.#settle();
    return this.#parts.length;
  }

  /** What came since the mark was taken back. */
  undoFrom(mark: number): void {
    this.#settle();
    this.#parts = this.#parts.map((part, at) => (at < mark ? part : { ...part, undone: true }));
  }

  /** All of them, in the log's order of the first of each. Nothing is left. */
  take(): readonly Part[] {
    this.#settle();
    const parts = this.#parts;
    this.clear();
    return parts;
  }

  clear(): void {
    if (this.#parts.length > 0) this.#parts = [];
    if (this.#alike.size > 0) this.#alike.clear();
  }

  #join(part: Part): void {
    const { kind, suspicious, done, afterError } = part;
    const key = `${kind} ${suspicious} ${done} ${afterError}`;
    let alike = this.#alike.get(key);
    if (alike === undefined) {
      alike = { at: this.#parts.push({ ...part, statement: beginningOf(part.statement) }) - 1, objects: new Map() };
      this.#alike.set(key, alike);
    }
    for (const object of part.objects) alike.objects.set(JSON.stringify(object), object);
  }

  /** Gives each its objects, once there are no more. */
  #settle(): void {
    if (this.#alike.size === 0) return; // as of nearly all groups
    for (const { at, objects } of this.#alike.values()) {
      const part = this.#parts[at];
      if (part !== undefined) this.#parts[at] = { ...part, objects: [...objects.values()] };
    }
    this.#alike.clear();
  }
}

/** As much as will be shown, in memory of its own: a piece of a string keeps all of it. */
function beginningOf(statement: string): string {
  if (statement.length <= MAX_STATEMENT_CHARACTERS) return statement;
  return Buffer.from(statement.slice(0, MAX_STATEMENT_CHARACTERS + 1), 'utf16le').toString('utf16le');
}
