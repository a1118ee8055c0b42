import { keyOf, type Named } from '../../recovery/consequences/touch.ts';
import type {
  ForeignKey,
  ForeignKeyAction,
  TableFacts,
  TextType,
  UniqueKey,
} from '../../recovery/consequences/table-facts.ts';
import { dumpLines } from '../evidence/definition-of-backup.ts';
import { textOfColumn, textOfTable } from './column-text.ts';
import { wordsOf } from './words.ts';

/** What a backup's dump says of the tables in it. */
export interface DumpDefinitions {
  /** By `keyOf`. */
  readonly tables: ReadonlyMap<string, TableFacts>;
  /** Tables that are there, but with keys that are not understood; by `keyOf`. */
  readonly unreadable: ReadonlySet<string>;
  readonly foreignKeys: readonly ForeignKey[];
  /** Every word of its views, triggers, routines and events, in lower case. */
  readonly words: ReadonlySet<string>;
}

const NAME = '`((?:[^`]|``)+)`';
const USE = new RegExp(`^USE ${NAME};$`);
const TABLE = new RegExp(`^CREATE TABLE (?:IF NOT EXISTS )?${NAME} \\($`);
const COLUMN = new RegExp(`^ *${NAME} `);
const NEEDS_VALUE = / NOT NULL(?!.* (?:DEFAULT|AUTO_INCREMENT|GENERATED)\b)/;
const COMMENT = / COMMENT '.*$/;
const GENERATED = / (?:GENERATED ALWAYS )?AS \(/;
const CHECK = / CHECK \(/;
const PART = '`(?:[^`]|``)+`(?:\\(\\d+\\))?';
const IS_KEY = /^ *(?:PRIMARY|UNIQUE) KEY /;
const KEY = new RegExp(`^ *(PRIMARY|UNIQUE) KEY (?:\`(?:[^\`]|\`\`)+\` )?\\((${PART}(?:,${PART})*)\\)`);
const KEY_PART = /`((?:[^`]|``)+)`(?:\((\d+)\))?/g;
const NAMES = '(`(?:[^`]|``)+`(?:, ?`(?:[^`]|``)+`)*)';
const REFERENCE = new RegExp(
  `^ *CONSTRAINT .* FOREIGN KEY \\(${NAMES}\\) REFERENCES (?:${NAME}\\.)?${NAME} \\(${NAMES}\\)(.*)$`,
);
/** Between two of these stands text of people, who may write anything. */
const DELIMITER = /^DELIMITER (\S+)$/;
/** Their lines hold no definitions. */
const PLAIN = /^(?:--|LOCK|UNLOCK|SET|USE|DROP|COMMIT|\/\*!\d+ (?:SET|DROP|ALTER TABLE))/;

/** Reads all definitions of dumps in SQL. @throws when one cannot be read */
export async function readDumpDefinitions(paths: readonly string[]): Promise<DumpDefinitions> {
  const reader = new DefinitionReader();
  for (const path of paths) for await (const line of dumpLines(path)) reader.line(line);
  return reader;
}

class DefinitionReader implements DumpDefinitions {
  readonly tables = new Map<string, TableFacts>();
  readonly unreadable = new Set<string>();
  readonly foreignKeys: ForeignKey[] = [];
  readonly words = new Set<string>();
  #schema = '';
  #table: Named | null = null;
  #columns: string[] = [];
  #texts = new Map<string, TextType | 'as its table' | null>();
  #keys: Omit<UniqueKey[number], 'text'>[][] = [];
  #hasPrimaryKey = false;
  #required: string[] = [];
  #isChecked = false;
  #generated: string[] = [];
  /** False where a key is of more than columns: of expressions, of periods. */
  #isReadable = true;
  #isInRows = false;
  #isInProgram = false;

  line(line: string): void {
    const delimiter = DELIMITER.exec(line)?.[1];
    if (delimiter !== undefined && this.#table === null) this.#isInProgram = delimiter !== ';';
    else if (this.#isInProgram) this.#mention(line);
    else if (this.#isInRows || line.startsWith('INSERT INTO ')) {
      this.#isInRows = !line.endsWith(';');
    } else if (this.#table !== null) this.#inside(this.#table, line);
    else this.#outside(line);
  }

  #outside(line: string): void {
    const schema = USE.exec(line)?.[1];
    const name = TABLE.exec(line)?.[1];
    if (schema !== undefined) this.#schema = unquote(schema);
    else if (name !== undefined) this.#begin({ type: 'table', schema: this.#schema, name: unquote(name) });
    else if (!PLAIN.test(line)) this.#mention(line);
  }

  #mention(line: string): void {
    for (const word of wordsOf(line)) this.words.add(word);
  }

  #begin(table: Named): void {
    this.#table = table;
    this.#columns = [];
    this.#texts = new Map();
    this.#keys = [];
    this.#hasPrimaryKey = false;
    this.#required = [];
    this.#isChecked = false;
    this.#generated = [];
    this.#isReadable = true;
  }

  #inside(table: Named, line: string): void {
    if (line.startsWith(')')) {
      const facts = {
        ...{ columns: this.#columns, uniqueKeys: this.#keysOf(line), hasPrimaryKey: this.#hasPrimaryKey },
        ...{ required: this.#required, isChecked: this.#isChecked, generated: this.#generated },
      };
      if (this.#isReadable) this.tables.set(keyOf(table), facts);
      else this.unreadable.add(keyOf(table));
      this.#table = null;
      return;
    }
    const column = COLUMN.exec(line)?.[1];
    if (column !== undefined) this.#column(unquote(column), line);
    this.#isChecked ||= CHECK.test(line);
    const [, kind, parts] = KEY.exec(line) ?? [];
    if (parts !== undefined) this.#key(kind === 'PRIMARY', parts);
    else if (IS_KEY.test(line)) this.#isReadable = false;
    const key = foreignKeyOf(table, line);
    if (key !== null) this.foreignKeys.push(key);
  }

  #keysOf(end: string): UniqueKey[] {
    const ofTable = textOfTable(end);
    return this.#keys.map((key) =>
      key.map((part) => {
        const text = this.#texts.get(part.column) ?? null;
        return { ...part, text: text === 'as its table' ? ofTable : text };
      }),
    );
  }

  #column(name: string, line: string): void {
    this.#columns.push(name);
    this.#texts.set(name, textOfColumn(line));
    if (NEEDS_VALUE.test(line.replace(COMMENT, ''))) this.#required.push(name);
    if (GENERATED.test(line.replace(COMMENT, ''))) this.#generated.push(name);
  }

  #key(isPrimary: boolean, parts: string): void {
    const key = [...parts.matchAll(KEY_PART)].map(([, name = '', prefix]) => ({
      column: unquote(name),
      prefix: prefix === undefined ? null : Number(prefix),
    }));
    this.#keys.push(key);
    this.#hasPrimaryKey ||= isPrimary;
  }
}

/** The foreign key that a line of the table has; null for none. */
function foreignKeyOf(child: Named, line: string): ForeignKey | null {
  const [, columns = '', schema, parent, parentColumns = '', actions = ''] = REFERENCE.exec(line) ?? [];
  if (parent === undefined) return null;
  const inSchema = schema === undefined ? child.schema : unquote(schema);
  return {
    child,
    parent: { type: 'table', schema: inSchema, name: unquote(parent) },
    columns: namesIn(columns),
    parentColumns: namesIn(parentColumns),
    onDelete: actionOn('DELETE', actions),
    onUpdate: actionOn('UPDATE', actions),
  };
}

function namesIn(list: string): string[] {
  return [...list.matchAll(KEY_PART)].map(([, name = '']) => unquote(name));
}

/** SET DEFAULT, which InnoDB does not have, and what may come counts as the worst. */
function actionOn(event: 'DELETE' | 'UPDATE', actions: string): ForeignKeyAction {
  const action = new RegExp(` ON ${event} (CASCADE|SET NULL|SET DEFAULT|RESTRICT|NO ACTION)`).exec(actions)?.[1];
  if (action === 'SET NULL') return 'set-null';
  return action === 'CASCADE' || action === 'SET DEFAULT' ? 'cascade' : 'restrict';
}

function unquote(name: string): string {
  return name.replaceAll('``', '`');
}
