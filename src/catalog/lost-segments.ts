import type { Database, Statement } from 'better-sqlite3';
import { fileNumber } from '../binlog/coordinates.ts';
import type { CatalogSegment } from './segment-table.ts';

/** A segment of which durable bytes are gone. It had a row, and a row is written only when the bytes are durable. */
export interface LostSegment {
  readonly lineage: string;
  readonly file: string;
  readonly state: 'open' | 'sealed';
  /** Bytes from the file's start that were durable. */
  readonly indexedTo: number;
  /** Seconds since 1970: when the source opened the file. */
  readonly openedAt: number;
}

/** The catalog's memory of what the archive had and has no more, until it has it again. */
export class LostSegments {
  readonly #put: Statement;
  readonly #settle: Statement;
  readonly #find: Statement<[string, number]>;
  readonly #all: Statement<[], { body: string }>;

  constructor(database: Database) {
    this.#put = database.prepare(
      `INSERT INTO lost VALUES (?, ?, ?, ?) ON CONFLICT (lineage, number) DO UPDATE
       SET indexed_to = excluded.indexed_to, body = excluded.body WHERE excluded.indexed_to > indexed_to`,
    );
    this.#settle = database.prepare('DELETE FROM lost WHERE lineage = ? AND number = ? AND indexed_to <= ?');
    this.#find = database.prepare('SELECT 1 FROM lost WHERE lineage = ? AND number = ?');
    this.#all = database.prepare('SELECT body FROM lost ORDER BY lineage, number');
  }

  /** Of several losses of one file the longest is kept. */
  add({ lineage, state, digest: { file, indexedTo, openedAt } }: CatalogSegment): void {
    const lost: LostSegment = { lineage, file, state, indexedTo, openedAt };
    this.#put.run(lineage, fileNumber(file), indexedTo, JSON.stringify(lost));
  }

  /** What was lost of a file is there again when it has so many bytes. */
  settle(lineage: string, file: string, indexedTo: number): void {
    this.#settle.run(lineage, fileNumber(file), indexedTo);
  }

  has(lineage: string, file: string): boolean {
    return this.#find.get(lineage, fileNumber(file)) !== undefined;
  }

  /** Lineage by lineage, in the order of their file numbers. */
  all(): LostSegment[] {
    return this.#all.all().map(({ body }) => JSON.parse(body) as LostSegment);
  }
}
