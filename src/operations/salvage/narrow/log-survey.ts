import type { FormatDescription } from '../../../binlog/format-description.ts';
import type { Group, QueryEvent, RowChange, TableName } from '../../../binlog/group.ts';
import { sourceOf, type Source } from '../../../incident/dialect.ts';
import type { LogVisitor, Stretch } from '../../../recovery/consequences/read-behind.ts';
import type { Touch } from '../../../recovery/consequences/touch.ts';
import { isSystemSchema } from '../../../server/facts.ts';
import { fileKey } from '../../../recovery/narrowing.ts';
import { GroupSets } from './group-runs.ts';
import { hasWords, type SchemaWords } from './schema-words.ts';
import { readSchemas } from './statement-schemas.ts';

/** In the place of a schema: what is of the server itself. */
export const SERVER = '\0server';

/** Reads of each group of a log which schemas it may have to do with. What is not certain is a doubt. */
export class LogSurvey implements LogVisitor {
  readonly groups = new GroupSets();
  /** Why it is not known what groups have to do with; null: it is known. */
  doubt: string | null = null;
  /** Statements that cannot be read may make any object. */
  isUnread = false;
  /** Some run anew on what they find. */
  hasText = false;
  /** Tables, views and sequences of the wanted schema that anything was done to, and whether they were removed or renamed; in lower case. */
  readonly touched = new Map<string, boolean>();
  readonly #wanted: string;
  /** Schemas by their words: the backup's, and what the log adds. */
  readonly #known: SchemaWords;
  #part: Stretch = { lineage: '', file: '', from: 0, to: 0 };
  #file = '';
  #source: Source = { flavor: 'mariadb', version: Infinity };
  #schemas = new Set<string>();
  /** Schemas of what is begun and not ended, by the name that both halves have. */
  readonly #prepared = new Map<string, readonly string[]>();
  /** The schema that rows were of last, and what it is called here. */
  #rowsOf = ['', ''];

  /** @param wanted a schema */
  constructor(wanted: string, known: SchemaWords) {
    this.#wanted = wanted.toLowerCase();
    this.#known = known;
  }

  enterFile(part: Stretch, format: FormatDescription): void {
    this.#part = part;
    this.#file = fileKey(part);
    this.#source = sourceOf(format);
    this.#schemas.clear();
  }

  query(query: QueryEvent): void {
    if (!this.#counts(query.offset)) return;
    const { schema, words, touches, isText, defines, doubt } = readSchemas(query, this.#source);
    if (doubt !== null) this.#doubt(`a statement ${doubt}`, query.offset);
    this.isUnread ||= touches === null;
    this.hasText ||= isText;
    if (schema !== '') this.#add(schema);
    for (const touch of touches ?? []) this.#touch(touch);
    for (const other of this.#known.mentioned(words)) this.#schemas.add(other);
    // What it defines may later use a schema that is not known yet.
    if (defines) for (const own of this.#schemas) this.#known.learn(own, words);
  }

  rows({ schema, table, offset }: RowChange): void {
    if (!this.#counts(offset)) return;
    if (table === '') this.#doubt('a change of rows names no table', offset);
    if (schema !== this.#rowsOf[0]) this.#rowsOf = [schema, this.#named(schema)];
    this.#schemas.add(this.#rowsOf[1] ?? '');
    if (this.#rowsOf[1] === this.#wanted) this.#note(table, false);
  }

  /** A table that the statement names, and changes only by a foreign key or a trigger: it has to be there. */
  cascade(child: TableName | null): void {
    if (child !== null) this.#add(child.schema);
  }

  unread(offset: number): void {
    if (!this.#counts(offset)) return;
    this.isUnread = true;
    this.#doubt('an event cannot be read', offset);
  }

  sourceIncident(start: number): void {
    if (!this.#counts(start)) return;
    this.isUnread = true;
    this.#doubt('the source lost events', start);
  }

  torn(start: number): void {
    this.#schemas.clear();
    if (this.#counts(start)) this.#doubt('a transaction does not end', start);
  }

  group(group: Group): void {
    const { start } = group;
    if (this.#counts(start)) {
      this.#pair(group);
      this.groups.add(this.#file, group, this.#schemas);
    }
    if (!this.groups.isWhole) this.#doubt('transactions of many schemas take turns too often', start);
    this.#schemas.clear();
  }

  /** False for what lies outside of the plan: files are read block by block. */
  #counts(offset: number): boolean {
    return offset >= this.#part.from && offset < this.#part.to;
  }

  /** What ends a prepared transaction is about the same schemas, which it does not name. */
  #pair({ phase, ending, start }: Group): void {
    if (phase === undefined) {
      if (ending === 'prepare') this.#doubt('a prepared transaction has no name', start);
    } else if (phase.step === 'begun') this.#prepared.set(phase.key, [...this.#schemas]);
    else {
      for (const schema of this.#prepared.get(phase.key) ?? []) this.#schemas.add(schema);
      this.#prepared.delete(phase.key);
    }
  }

  #touch({ type, schema, name, verb, to }: Touch): void {
    if (type === 'user') return;
    this.#add(schema);
    if (to !== undefined) this.#touch({ ...to, verb: 'create', by: 'text' });
    if (schema.toLowerCase() !== this.#wanted) return;
    if (name !== null) this.#note(name, verb === 'drop' || verb === 'rename');
    else if (verb === 'drop' || verb === 'replace')
      for (const known of this.#known.tablesOf(schema)) this.#note(known, true);
  }

  #note(table: string, isRemoved: boolean): void {
    const key = table.toLowerCase();
    this.touched.set(key, isRemoved || this.touched.get(key) === true);
  }

  #add(schema: string): void {
    this.#schemas.add(this.#named(schema));
  }

  #named(schema: string): string {
    const name = schema.toLowerCase();
    if (isSystemSchema(name)) return SERVER;
    if (!this.#known.has(name)) {
      this.#known.learn(name, []);
      if (!hasWords(name)) this.#doubt(`the name of schema '${name}' has no letter or digit of ASCII`, this.#part.from);
    }
    return name;
  }

  #doubt(what: string, offset: number): void {
    this.doubt ??= `${what} (${this.#part.file}:${offset})`;
  }
}
