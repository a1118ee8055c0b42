import type { FormatDescription } from '../../binlog/format-description.ts';
import type { QueryEvent } from '../../binlog/group.ts';
import { sourceOf, type Source } from '../../incident/dialect.ts';
import { NameFilter } from '../../recovery/consequences/name-filter.ts';
import type { LogVisitor, Stretch } from '../../recovery/consequences/read-behind.ts';
import { readStatement } from '../../recovery/consequences/statement-touches.ts';
import { keyOf, type Named, type Touch, type Verb } from '../../recovery/consequences/touch.ts';
import { wordsOf } from './words.ts';

/** What changes a definition. */
const DEFINES: readonly Verb[] = ['create', 'ensure', 'replace', 'drop', 'rename', 'alter'];
const TABLES: readonly Touch['type'][] = ['table', 'sequence', 'database'];

/** More than this is as good as everything. */
const MOST_KEPT = 200_000;

/** Notes what a log defines anew, up to a place. `enterFile` comes before the statements of each file. */
export class DefinitionLog implements LogVisitor {
  readonly #defined = new Set<string>();
  /** Of statements that define views, triggers, routines and events. */
  readonly #words = new Set<string>();
  readonly #renamed = new Set<string>();
  #source: Source = { flavor: 'mysql', version: Infinity };
  #part = { from: 0, to: 0 };
  #isAnything = false;
  #refers = false;

  /** What stands outside of `[from, to)`, bytes, does not count. */
  enterFile({ from, to }: Pick<Stretch, 'from' | 'to'>, format: FormatDescription): void {
    this.#source = sourceOf(format);
    this.#part = { from, to };
  }

  /** True when the table may be defined otherwise than before. */
  defines(table: Named): boolean {
    const schema = keyOf({ type: 'database', schema: table.schema, name: null });
    return this.#isAnything || this.#defined.has(keyOf(table).toLowerCase()) || this.#defined.has(schema.toLowerCase());
  }

  /** True when the table may have another name by now. */
  renames(table: Named): boolean {
    return this.#isAnything || this.#renamed.has(keyOf(table).toLowerCase());
  }

  /** True when a view, trigger, routine or event may have been defined that uses the table. */
  mentions({ name }: Named): boolean {
    return this.#isAnything || wordsOf(name ?? '').every((word) => this.#words.has(word));
  }

  /** True when a foreign key may have been defined. */
  get refers(): boolean {
    return this.#isAnything || this.#refers;
  }

  query(query: QueryEvent): void {
    if (!this.#counts(query.offset) || NameFilter.isAboutRows(query)) return;
    const { touches, text } = readStatement(query, this.#source);
    this.#isAnything ||= touches === null || this.#defined.size + this.#words.size > MOST_KEPT;
    this.#refers ||= /\breferences\b/i.test(text);
    for (const touch of touches ?? []) if (DEFINES.includes(touch.verb)) this.#note(touch, text);
  }

  group(): void {
    // Only statements tell.
  }

  unread(offset: number): void {
    if (this.#counts(offset)) this.#isAnything = true;
  }

  sourceIncident(start: number): void {
    this.unread(start);
  }

  /** Something is not there, or cannot be read. */
  doubtAll(): void {
    this.#isAnything = true;
  }

  #counts(offset: number): boolean {
    return offset >= this.#part.from && offset < this.#part.to;
  }

  #note(touch: Touch, text: string): void {
    if (TABLES.includes(touch.type)) {
      this.#defined.add(keyOf(touch).toLowerCase());
      if (touch.to === undefined) return;
      this.#defined.add(keyOf(touch.to).toLowerCase());
      this.#renamed.add(keyOf(touch).toLowerCase());
    } else if (touch.verb !== 'drop' && touch.type !== 'user') for (const word of wordsOf(text)) this.#words.add(word);
  }
}
