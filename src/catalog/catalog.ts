/**
 * The catalog: an SQLite index over the archive, so that lists and plans need not read gigabytes.
 * Enters: what a reading of a segment gave, and the records of backups and rehearsals. Leaves: the same, ordered and
 * filtered. Everything in it is derived from the archive's bytes and may be deleted at any moment; nothing may be decided
 * by it that the archive does not confirm. Must not know servers, or how segments are stored.
 */
import Sqlite, { type Database, type Statement, type Transaction } from 'better-sqlite3';
import type { BackupRecord } from '../archive/backup-record.ts';
import type { Checkpoint } from '../archive/checkpoint.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { SegmentDigest } from '../archive/manifest.ts';
import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { SegmentUpdate } from '../archive/segment-indexer.ts';
import type { Incident } from '../incident/incident.ts';
import { makePrivate, moveAside } from './catalog-file.ts';
import type { IncidentFilter } from './incident-filter.ts';
import { IncidentTable } from './incident-table.ts';
import { LostSegments, type LostSegment } from './lost-segments.ts';
import { prepareSchema } from './schema.ts';
import { SegmentTable, type CatalogSegment } from './segment-table.ts';
import { isDamage, sqliteFailure } from './sqlite-failure.ts';

const BUSY_TIMEOUT_MS = 10_000;
const UPSERT_LINEAGE = `INSERT INTO lineage VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
  SET created_at = excluded.created_at, body = excluded.body`;

/** The path of a catalog that is not kept: for repositories that can only be read. */
export const MEMORY = ':memory:';

/**
 * Opens the catalog, making it when there is none. A file that is no database, or a damaged one, is moved aside to
 * `<path>.damaged` and an empty catalog takes its place: `catchUp` fills it again.
 *
 * @param onDamage is told why, before the file is moved
 * @param options.migrates true for who holds the locks of all archivers: tables of an earlier version are brought up to date
 * @throws LastgoodError `REPOSITORY_VERSION` when a newer version wrote it, or an earlier one and not `migrates`;
 * `REPOSITORY_UNREADABLE` when it cannot be opened
 */
export function openCatalog(
  path: string,
  onDamage: (reason: string) => void = () => undefined,
  { migrates = false }: { migrates?: boolean } = {},
): Catalog {
  try {
    return new Catalog(path, { migrates });
  } catch (error) {
    if (!isDamage(error)) throw sqliteFailure(path, error);
    onDamage(error.message);
    moveAside(path);
    return new Catalog(path);
  }
}

/** One open catalog. Writes are single transactions and idempotent; many processes may read while one writes. */
export class Catalog implements Disposable {
  readonly #path: string;
  readonly #database: Database;
  readonly #transaction: Transaction<(work: () => void) => void>;
  readonly #upsertLineage: Statement<[string, string, string]>;
  readonly #segments: SegmentTable;
  readonly #lost: LostSegments;
  readonly #incidents: IncidentTable;

  /**
   * Use `openCatalog`: it also heals a damaged file.
   *
   * @param options.kept false: a temporary file, which need not outlive this process
   * @param options.migrates as for `openCatalog`
   */
  constructor(path: string, { kept = true, migrates = false }: { kept?: boolean; migrates?: boolean } = {}) {
    this.#path = path;
    if (path !== MEMORY) makePrivate(path);
    this.#database = new Sqlite(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      // Lost with the last moments of a power cut, not damaged by it: the archive brings them back.
      this.#database.pragma('journal_mode = WAL');
      this.#database.pragma(`synchronous = ${kept ? 'NORMAL' : 'OFF'}`);
      this.#database.pragma('foreign_keys = ON');
      prepareSchema(this.#database, path, { migrates });
      this.#transaction = this.#database.transaction((work: () => void) => {
        work();
      });
      this.#upsertLineage = this.#database.prepare(UPSERT_LINEAGE);
      this.#segments = new SegmentTable(this.#database);
      this.#lost = new LostSegments(this.#database);
      this.#incidents = new IncidentTable(this.#database);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Adds what was read of a segment. An update that is older than what is known of the segment changes nothing in it. */
  record(lineage: Lineage, update: SegmentUpdate): void {
    this.#inTransaction(() => {
      this.#write(lineage, update);
    });
  }

  /**
   * Puts a whole segment, read from its start, in the place of what is known of it; unless more is known already,
   * because its archiver has gone on meanwhile.
   */
  replace(lineage: Lineage, update: SegmentUpdate): void {
    this.#inTransaction(() => {
      const { file, indexedTo } = update.digest;
      if ((this.segment(lineage.id, file)?.digest.indexedTo ?? 0) > indexedTo) return;
      this.#forget(lineage.id, file, this.#lost.has(lineage.id, file) ? indexedTo : undefined);
      this.#write(lineage, update);
    });
  }

  /**
   * Drops a segment of which durable bytes are gone, and keeps that they were there, with their incidents, until the archive has
   * them again.
   *
   * @param indexedTo as the row was when the loss was seen: another process may have gone on since
   */
  lose(lineage: string, { file, indexedTo }: Pick<SegmentDigest, 'file' | 'indexedTo'>): void {
    this.#inTransaction(() => {
      const known = this.segment(lineage, file);
      if (known?.digest.indexedTo !== indexedTo) return;
      this.#incidents.changing(lineage, file, () => {
        this.#lost.add(known);
        this.#forget(lineage, file, 0);
      });
    });
  }

  /** What the archive had as durable, and has no more. */
  lost(): LostSegment[] {
    return this.#guard(() => this.#lost.all());
  }

  /** Drops a segment with its checkpoints and incidents: another file has its name. */
  forget(lineage: string, file: string): void {
    this.#inTransaction(() => {
      this.#forget(lineage, file);
    });
  }

  /** Drops a lineage with all its segments: its folder is gone. */
  forgetLineage(lineage: string): void {
    this.#inTransaction(() => {
      for (const { digest } of this.segments(lineage)) this.#forget(lineage, digest.file);
      this.#database.prepare('DELETE FROM lineage WHERE id = ?').run(lineage);
    });
  }

  /** Adds lineages; makes the backups and rehearsals exactly these. */
  setRecords(records: {
    lineages: readonly Lineage[];
    backups: readonly BackupRecord[];
    rehearsals: readonly RehearsalRecord[];
  }): void {
    this.#inTransaction(() => {
      for (const lineage of records.lineages) this.#putLineage(lineage);
      this.#database.exec('DELETE FROM backup; DELETE FROM rehearsal');
      const { backups, rehearsals } = records;
      for (const [table, rows] of Object.entries({ backup: backups, rehearsal: rehearsals })) {
        const put = this.#database.prepare(`INSERT INTO ${table} VALUES (?, ?)`);
        for (const row of rows) put.run(row.id, JSON.stringify(row));
      }
    });
  }

  #write(lineage: Lineage, update: SegmentUpdate): void {
    this.#incidents.changing(lineage.id, update.digest.file, () => {
      this.#put(lineage, update);
    });
  }

  #put(lineage: Lineage, update: SegmentUpdate): void {
    const { file, indexedTo } = update.digest;
    this.#putLineage(lineage);
    if (this.#segments.isOfEarlierRules(lineage.id, file)) this.#incidents.forget(lineage.id, file, indexedTo);
    this.#segments.put(lineage.id, update);
    this.#incidents.put(lineage.id, file, update);
    this.#lost.settle(lineage.id, file, indexedTo);
  }

  #putLineage(lineage: Lineage): void {
    this.#upsertLineage.run(lineage.id, lineage.createdAt, JSON.stringify(lineage));
  }

  /** @param incidentsTo bytes from the file's start: incidents behind stay, nothing else tells of them any more */
  #forget(lineage: string, file: string, incidentsTo = Number.MAX_SAFE_INTEGER): void {
    this.#incidents.changing(lineage, file, () => {
      this.#segments.drop(lineage, file);
      this.#incidents.forget(lineage, file, incidentsTo);
    });
  }

  /** In the order they began. */
  lineages(): Lineage[] {
    return this.#bodies<Lineage>('SELECT body FROM lineage ORDER BY created_at, id');
  }

  /** In the order of their file numbers. */
  segments(lineage: string): CatalogSegment[] {
    return this.#guard(() => this.#segments.all(lineage));
  }

  /** The newest of a lineage, or the newest that holds a group, without a look at the others: there may be a million. */
  newestSegment(lineage: string, { withGroups = false }: { withGroups?: boolean } = {}): CatalogSegment | null {
    return this.#guard(() => this.#segments.newest(lineage, { withGroups }));
  }

  /** null when the lineage has no such file. */
  segment(lineage: string, file: string): CatalogSegment | null {
    return this.#guard(() => this.#segments.get(lineage, file));
  }

  /** True when an earlier version of the program looked for a file's incidents: read again it may tell of others. */
  isOfEarlierRules(lineage: string, file: string): boolean {
    return this.#guard(() => this.#segments.isOfEarlierRules(lineage, file));
  }

  /** All that was found in one file, as it is at one moment; null when the present rules have not read it. */
  indexed(lineage: string, file: string): SegmentUpdate | null {
    const read = this.#database.transaction((): SegmentUpdate | null => {
      const known = this.segment(lineage, file);
      if (known === null || this.isOfEarlierRules(lineage, file)) return null;
      const { digest, state } = known;
      return { digest, state, checkpoints: this.checkpoints(lineage, file), ...this.#incidents.found(lineage, file) };
    });
    return this.#guard(() => read());
  }

  /** Of one file, in its order. */
  checkpoints(lineage: string, file: string): Checkpoint[] {
    return this.#guard(() => this.#segments.checkpoints(lineage, file));
  }

  /** Newest first, by their place in the log: times can be forged. */
  incidents(filter: IncidentFilter = {}): Incident[] {
    return this.#guard(() => this.#incidents.list(filter));
  }

  /** null when there is none. */
  incident(id: string): Incident | null {
    return this.#guard(() => this.#incidents.get(id));
  }

  backups(): BackupRecord[] {
    return this.#bodies<BackupRecord>('SELECT body FROM backup ORDER BY id');
  }

  rehearsals(): RehearsalRecord[] {
    return this.#bodies<RehearsalRecord>('SELECT body FROM rehearsal ORDER BY id');
  }

  /** Everything, ordered, as plain data: two catalogs with equal dumps say the same. */
  dump(): unknown {
    const lineages = this.lineages();
    const segments = lineages.flatMap(({ id }) => this.segments(id));
    return {
      lineages,
      segments,
      checkpoints: segments.flatMap(({ lineage, digest }) => this.checkpoints(lineage, digest.file)),
      incidents: this.incidents({ all: true }),
      backups: this.backups(),
      rehearsals: this.rehearsals(),
      lost: this.lost(),
    };
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #bodies<Body>(sql: string): Body[] {
    const rows = this.#guard(() => this.#database.prepare<[], { body: string }>(sql).all());
    return rows.map(({ body }) => JSON.parse(body) as Body);
  }

  /** Immediate: a deferred transaction that turns into a writer cannot wait for another writer. */
  #inTransaction(work: () => void): void {
    this.#guard(() => {
      this.#transaction.immediate(work);
    });
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw sqliteFailure(this.#path, error);
    }
  }
}
