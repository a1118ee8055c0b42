import { isUtf8 } from 'node:buffer';
import type { FormatDescription } from '../../binlog/format-description.ts';
import type { Group, GroupVisitor, QueryEvent, RowChange } from '../../binlog/group.ts';
import { dialectOf, sourceOf } from '../../incident/dialect.ts';
import { redactInAnyMode, redactStatement } from '../../incident/redact.ts';
import { decodeStatement } from '../../incident/statement-text.ts';
import { placeGroup, type PlacedGroup } from '../../recovery/neighbours.ts';

/** What one group did to one table's rows, as far as events of rows tell. */
export interface TableChanges {
  readonly schema: string;
  readonly table: string;
  /** Events: inserted rows are not counted. */
  readonly inserts: number;
  readonly updated: number;
  readonly deleted: number;
}

/** A group with what it did, for people. */
export interface DescribedGroup extends PlacedGroup {
  readonly events: number;
  readonly threadId: number | null;
  readonly serverId: number;
  /** Its first statements, passwords redacted; only as many as are asked for. */
  readonly statements: readonly string[];
  readonly changes: readonly TableChanges[];
}

/** How much of each group to keep. */
export interface DescriberOptions {
  readonly file: string;
  readonly format: FormatDescription;
  readonly statements: number;
  /** Characters of each statement; Infinity for all of it. */
  readonly characters: number;
  readonly onGroup: (group: DescribedGroup) => void;
}

/** Puts what groups did into words while a log is read. */
export class GroupDescriber implements GroupVisitor {
  readonly #options: DescriberOptions;
  #statements: string[] = [];
  #changes = new Map<string, TableChanges>();

  constructor(options: DescriberOptions) {
    this.#options = options;
  }

  query({ text, clientCharset, sqlMode }: QueryEvent): void {
    this.#statement(text, clientCharset, sqlMode);
  }

  annotation(bytes: Buffer, from: number, to: number): void {
    const text = bytes.subarray(from, to);
    this.#statement(text, isUtf8(text) ? null : LATIN1, null);
  }

  rows({ kind, schema, table, rows }: RowChange): void {
    const key = `${schema}\0${table}`;
    const known = this.#changes.get(key) ?? { schema, table, inserts: 0, updated: 0, deleted: 0 };
    this.#changes.set(key, {
      ...known,
      inserts: known.inserts + (kind === 'insert' ? 1 : 0),
      updated: known.updated + (kind === 'update' ? rows : 0),
      deleted: known.deleted + (kind === 'delete' ? rows : 0),
    });
  }

  group(group: Group): void {
    const { file, onGroup } = this.#options;
    const { events, threadId, serverId } = group;
    const { statements } = this.#forget();
    onGroup({ ...placeGroup(file, group), events, threadId, serverId, ...statements });
  }

  torn(): void {
    this.#forget();
  }

  #forget(): { statements: Pick<DescribedGroup, 'statements' | 'changes'> } {
    const statements = { statements: this.#statements, changes: [...this.#changes.values()] };
    this.#statements = [];
    this.#changes = new Map();
    return { statements };
  }

  /** @param sqlMode null where the log does not say it */
  #statement(bytes: Buffer, charset: number | null, sqlMode: number | null): void {
    const { format, statements, characters } = this.#options;
    if (this.#statements.length >= statements) return;
    const { text, nbspIsBlank } = decodeStatement(bytes, charset, format.flavor);
    const dialect = dialectOf(sourceOf(format), sqlMode ?? 0, nbspIsBlank);
    const redact = sqlMode === null ? redactInAnyMode : redactStatement;
    this.#statements.push(redact(text, dialect, characters));
  }
}

/** The collation latin1_swedish_ci: any bytes are characters of it. */
const LATIN1 = 8;
