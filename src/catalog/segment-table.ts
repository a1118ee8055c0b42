import type { Database, Statement } from 'better-sqlite3';
import type { Checkpoint } from '../archive/checkpoint.ts';
import type { SegmentDigest } from '../archive/manifest.ts';
import type { SegmentUpdate } from '../archive/segment-indexer.ts';
import { fileNumber } from '../binlog/coordinates.ts';
import { FINDER_RULES } from '../incident/incident.ts';

/** A segment as the catalog knows it. */
export interface CatalogSegment {
  readonly lineage: string;
  readonly state: 'open' | 'sealed';
  readonly digest: SegmentDigest;
}

interface Row {
  readonly lineage: string;
  readonly state: 'open' | 'sealed';
  readonly digest: string;
}

/** The segments of a catalog, with their checkpoints. The caller has the transaction. */
export class SegmentTable {
  readonly #put: Statement;
  readonly #putCheckpoint: Statement;
  readonly #drop: readonly Statement[];
  readonly #all: Statement<[string], Row>;
  readonly #newest: Statement<[string], Row>;
  readonly #newestWithGroups: Statement<[string], Row>;
  readonly #get: Statement<[string, number, string], Row>;
  readonly #earlier: Statement<[string, number, number]>;
  readonly #checkpoints: Statement<[string, number], { body: string }>;

  constructor(database: Database) {
    this.#put = database.prepare(
      `INSERT INTO segment (lineage, number, file, state, indexed_to, digest, rules, loops) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (lineage, number) DO UPDATE
       SET state = excluded.state, indexed_to = excluded.indexed_to, digest = excluded.digest, rules = excluded.rules,
         loops = excluded.loops
       WHERE excluded.indexed_to >= indexed_to AND (state = 'open' OR excluded.state = 'sealed')`,
    );
    this.#putCheckpoint = database.prepare('INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)');
    this.#drop = ['checkpoint', 'segment'].map((table) =>
      database.prepare(`DELETE FROM ${table} WHERE lineage = ? AND number = ?`),
    );
    const columns = 'SELECT lineage, state, digest FROM segment WHERE lineage = ?';
    this.#all = database.prepare(`${columns} ORDER BY number`);
    this.#newest = database.prepare(`${columns} ORDER BY number DESC LIMIT 1`);
    this.#newestWithGroups = database.prepare(
      `${columns} AND json_extract(digest, '$.last') IS NOT NULL ORDER BY number DESC LIMIT 1`,
    );
    this.#get = database.prepare(`${columns} AND number = ? AND file = ?`);
    this.#earlier = database.prepare('SELECT 1 FROM segment WHERE lineage = ? AND number = ? AND rules <> ?');
    this.#checkpoints = database.prepare('SELECT body FROM checkpoint WHERE lineage = ? AND number = ? ORDER BY start');
  }

  /** A row never goes back: not to fewer bytes, not from sealed to open. */
  put(lineage: string, { digest, state, checkpoints, loops }: SegmentUpdate): void {
    const { file, indexedTo } = digest;
    const number = fileNumber(file);
    const pieces = loops === undefined ? null : JSON.stringify(loops);
    this.#put.run(lineage, number, file, state, indexedTo, JSON.stringify(digest), FINDER_RULES, pieces);
    for (const checkpoint of checkpoints) {
      this.#putCheckpoint.run(lineage, number, checkpoint.offset, JSON.stringify(checkpoint));
    }
  }

  drop(lineage: string, file: string): void {
    for (const statement of this.#drop) statement.run(lineage, fileNumber(file));
  }

  /** In the order of their file numbers. */
  all(lineage: string): CatalogSegment[] {
    return this.#all.all(lineage).map(toSegment);
  }

  /** The one with the highest number, or the highest of those that hold a group; null when there is none. */
  newest(lineage: string, { withGroups }: { withGroups: boolean }): CatalogSegment | null {
    const row = (withGroups ? this.#newestWithGroups : this.#newest).get(lineage);
    return row === undefined ? null : toSegment(row);
  }

  /** null when the lineage has no such file. */
  get(lineage: string, file: string): CatalogSegment | null {
    const row = this.#get.get(lineage, fileNumber(file), file);
    return row === undefined ? null : toSegment(row);
  }

  /** True when other rules than the present ones looked for its incidents. */
  isOfEarlierRules(lineage: string, file: string): boolean {
    return this.#earlier.get(lineage, fileNumber(file), FINDER_RULES) !== undefined;
  }

  /** In the file's order. */
  checkpoints(lineage: string, file: string): Checkpoint[] {
    return this.#checkpoints.all(lineage, fileNumber(file)).map(({ body }) => JSON.parse(body) as Checkpoint);
  }
}

function toSegment({ lineage, state, digest }: Row): CatalogSegment {
  return { lineage, state, digest: JSON.parse(digest) as SegmentDigest };
}
