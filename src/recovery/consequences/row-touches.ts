import type { RowChange } from '../../binlog/group.ts';
import type { Touch } from './touch.ts';

/** A touch by rows, and a text that no other one of a group has. */
export interface RowTouch {
  readonly key: string;
  readonly touch: Touch;
}

type OfTable = Partial<Record<RowChange['kind'], RowTouch>>;

/** Far more tables than any log has that is not made for it. */
const MOST_TABLES = 100_000;

/** What rows of tables are touched by, each made once: a log has millions of rows, and few tables. */
export class RowTouches {
  readonly #foldsCase: boolean;
  readonly #schemas = new Map<string, Map<string, OfTable>>();
  #tables = 0;

  /** @param foldsCase true where names of tables in capitals are the same names */
  constructor(foldsCase: boolean) {
    this.#foldsCase = foldsCase;
  }

  of(kind: RowChange['kind'], schema: string, table: string): RowTouch {
    const known = this.#schemas.get(schema)?.get(table) ?? this.#learn(schema, table);
    return (known[kind] ??= this.#make(kind, schema, table));
  }

  #learn(schema: string, table: string): OfTable {
    if (this.#tables >= MOST_TABLES) this.#schemas.clear();
    this.#tables = this.#schemas.size === 0 ? 1 : this.#tables + 1;
    const tables = this.#schemas.get(schema) ?? new Map<string, OfTable>();
    this.#schemas.set(schema, tables);
    const made: OfTable = {};
    tables.set(table, made);
    return made;
  }

  #make(verb: RowChange['kind'], schema: string, table: string): RowTouch {
    const [inSchema, name] = this.#foldsCase ? [schema.toLowerCase(), table.toLowerCase()] : [schema, table];
    const touch: Touch = { type: 'table', schema: inSchema, name, verb, by: 'rows' };
    return { key: `rows\0${verb}\0${inSchema}\0${name}`, touch };
  }
}
