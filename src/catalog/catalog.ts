/**
 * The catalog: an SQLite index over the archive, so that lists and plans need not read gigabytes.
 * Enters: what a reading of a segment gave, and the records of backups and rehearsals. Leaves: the same, ordered and
 * filtered. Everything in it is derived from the archive's bytes and may be deleted at any moment; nothing may be decided
 * by it that the archive does not confirm. Must not know servers, or how segments are stored.
 */
import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import Sqlite, { type Database, type Statement } from 'better-sqlite3';
import type { BackupRecord } from '../archive/backup-record.ts';
import type { Checkpoint } from '../archive/checkpoint.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { SegmentDigest } from '../archive/manifest.ts';
import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { SegmentUpdate } from '../archive/segment-indexer.ts';
import { fileNumber } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { incidentCondition, type IncidentFilter } from './incident-filter.ts';
import { LostSegments, type LostSegment } from './lost-segments.ts';
import { migrate } from './schema.ts';
import { isDamage, sqliteFailure } from './sqlite-failure.ts';

const BUSY_TIMEOUT_MS = 10_000;

/** The path of a catalog that is not kept: for repositories that can only be read. */
export const MEMORY = ':memory:';

/** A segment as the catalog knows it. */
export interface CatalogSegment {
  readonly lineage: string;
  readonly state: 'open' | 'sealed';
  readonly digest: SegmentDigest;
}

/**
 * Opens the catalog, making it when there is none. A file that is no database, or a damaged one, is moved aside to
 * `<path>.damaged` and an empty catalog takes its place: `catchUp` fills it again.
 *
 * @param onDamage is told why, before the file is moved
 * @throws LastgoodError `REPOSITORY_VERSION` when a newer version wrote it, `REPOSITORY_UNREADABLE` when it cannot be opened
 */
export function openCatalog(path: string, onDamage: (reason: string) => void = () => undefined): Catalog {
  try {
    return new Catalog(path);
  } catch (error) {
    if (!isDamage(error)) throw sqliteFailure(path, error);
    onDamage(error.message);
    moveAside(path);
    return new Catalog(path);
  }
}

function moveAside(path: string): void {
  removeJournals(path);
  renameSync(path, `${path}.damaged`);
}

/** A journal left beside a new database file would be played into it. */
export function removeJournals(path: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
}

/** The catalog holds statements, as the log does; its journals get the file's own mode. */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch {
    // Read-only, or no folder: SQLite says so in its own words.
  }
}

/** One open catalog. Writes are single transactions and idempotent; many processes may read while one writes. */
export class Catalog implements Disposable {
  readonly #path: string;
  readonly #database: Database;
  readonly #put: PutStatements;
  readonly #lost: LostSegments;

  /**
   * Use `openCatalog`: it also heals a damaged file.
   *
   * @param options.kept false: a temporary file, which need not outlive this process
   */
  constructor(path: string, { kept = true }: { kept?: boolean } = {}) {
    this.#path = path;
    if (path !== MEMORY) makePrivate(path);
    this.#database = new Sqlite(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      // Lost with the last moments of a power cut, not damaged by it: the archive brings them back.
      this.#database.pragma('journal_mode = WAL');
      this.#database.pragma(`synchronous = ${kept ? 'NORMAL' : 'OFF'}`);
      this.#database.pragma('foreign_keys = ON');
      migrate(this.#database, path);
      this.#put = prepareWrites(this.#database);
      this.#lost = new LostSegments(this.#database);
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
      this.#lost.add(known);
      this.#forget(lineage, file, 0);
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
      for (const backup of records.backups) this.#put.backup.run(backup.id, JSON.stringify(backup));
      for (const rehearsal of records.rehearsals) this.#put.rehearsal.run(rehearsal.id, JSON.stringify(rehearsal));
    });
  }

  #write(lineage: Lineage, { digest, state, checkpoints, incidents }: SegmentUpdate): void {
    const number = fileNumber(digest.file);
    this.#putLineage(lineage);
    this.#put.segment.run(lineage.id, number, digest.file, state, digest.indexedTo, JSON.stringify(digest));
    for (const checkpoint of checkpoints) {
      this.#put.checkpoint.run(lineage.id, number, checkpoint.offset, JSON.stringify(checkpoint));
    }
    for (const incident of incidents) this.#putIncident(lineage.id, number, incident);
    this.#lost.settle(lineage.id, digest.file, digest.indexedTo);
  }

  #putLineage(lineage: Lineage): void {
    this.#put.lineage.run(lineage.id, lineage.createdAt, JSON.stringify(lineage));
  }

  #putIncident(lineage: string, number: number, incident: Incident): void {
    const { id, start, kind, state, suspicious, objects } = incident;
    const time = Date.parse(incident.time) / 1000;
    this.#put.dropObjects.run(id);
    this.#put.incident.run(id, lineage, number, start, time, kind, state, Number(suspicious), JSON.stringify(incident));
    for (const { schema, name } of objects) this.#put.object.run(id, schema, name);
  }

  /** @param incidentsTo bytes from the file's start: incidents behind stay, nothing else tells of them any more */
  #forget(lineage: string, file: string, incidentsTo = Number.MAX_SAFE_INTEGER): void {
    const number = fileNumber(file);
    for (const table of ['checkpoint', 'segment']) {
      this.#database.prepare(`DELETE FROM ${table} WHERE lineage = ? AND number = ?`).run(lineage, number);
    }
    const incidents = 'DELETE FROM incident WHERE lineage = ? AND number = ? AND start < ?';
    this.#database.prepare(incidents).run(lineage, number, incidentsTo);
  }

  /** In the order they began. */
  lineages(): Lineage[] {
    return this.#bodies<Lineage>('SELECT body FROM lineage ORDER BY created_at, id');
  }

  /** In the order of their file numbers. */
  segments(lineage: string): CatalogSegment[] {
    const sql = 'SELECT lineage, state, digest FROM segment WHERE lineage = ? ORDER BY number';
    return this.#all<SegmentRow>(sql, lineage).map(toSegment);
  }

  /** null when the lineage has no such file. */
  segment(lineage: string, file: string): CatalogSegment | null {
    const sql = 'SELECT lineage, state, digest FROM segment WHERE lineage = ? AND file = ?';
    return this.#all<SegmentRow>(sql, lineage, file).map(toSegment).at(0) ?? null;
  }

  /** All that is known of one file, as it is at one moment; null when the lineage has no such file. */
  indexed(lineage: string, file: string): SegmentUpdate | null {
    const read = this.#database.transaction((): SegmentUpdate | null => {
      const known = this.segment(lineage, file);
      const incidents = 'SELECT body FROM incident WHERE lineage = ? AND number = ? ORDER BY start';
      return known === null
        ? null
        : {
            digest: known.digest,
            state: known.state,
            checkpoints: this.checkpoints(lineage, file),
            incidents: this.#bodies<Incident>(incidents, lineage, fileNumber(file)),
          };
    });
    return this.#guard(() => read());
  }

  /** Of one file, in its order. */
  checkpoints(lineage: string, file: string): Checkpoint[] {
    const sql = 'SELECT body FROM checkpoint WHERE lineage = ? AND number = ? ORDER BY start';
    return this.#bodies<Checkpoint>(sql, lineage, fileNumber(file));
  }

  /** Newest first, by their place in the log: times can be forged. */
  incidents(filter: IncidentFilter = {}): Incident[] {
    const { sql, values } = incidentCondition(filter);
    return this.#bodies<Incident>(
      `SELECT incident.body FROM incident JOIN lineage ON lineage.id = incident.lineage WHERE ${sql}
       ORDER BY lineage.created_at DESC, incident.lineage, incident.number DESC, incident.start DESC`,
      ...values,
    );
  }

  /** null when there is none. */
  incident(id: string): Incident | null {
    return this.#bodies<Incident>('SELECT body FROM incident WHERE id = ?', id).at(0) ?? null;
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

  #bodies<Body>(sql: string, ...values: (string | number)[]): Body[] {
    return this.#all<{ body: string }>(sql, ...values).map(({ body }) => JSON.parse(body) as Body);
  }

  #all<Row>(sql: string, ...values: (string | number)[]): Row[] {
    return this.#guard(() => this.#database.prepare<(string | number)[], Row>(sql).all(...values));
  }

  /** Immediate: a deferred transaction that turns into a writer cannot wait for another writer. */
  #inTransaction(work: () => void): void {
    this.#guard(() => {
      this.#database.transaction(work).immediate();
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

interface SegmentRow {
  readonly lineage: string;
  readonly state: 'open' | 'sealed';
  readonly digest: string;
}

function toSegment({ lineage, state, digest }: SegmentRow): CatalogSegment {
  return { lineage, state, digest: JSON.parse(digest) as SegmentDigest };
}

type PutStatements = Readonly<
  Record<
    'lineage' | 'segment' | 'checkpoint' | 'incident' | 'dropObjects' | 'object' | 'backup' | 'rehearsal',
    Statement
  >
>;

/** Prepared once: the archiver writes at every flush. */
function prepareWrites(database: Database): PutStatements {
  return {
    lineage: database.prepare(
      `INSERT INTO lineage VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET created_at = excluded.created_at, body = excluded.body`,
    ),
    segment: database.prepare(
      `INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (lineage, number) DO UPDATE
       SET state = excluded.state, indexed_to = excluded.indexed_to, digest = excluded.digest
       WHERE excluded.indexed_to >= indexed_to AND (state = 'open' OR excluded.state = 'sealed')`,
    ),
    checkpoint: database.prepare('INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)'),
    incident: database.prepare('INSERT OR REPLACE INTO incident VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)'),
    dropObjects: database.prepare('DELETE FROM incident_object WHERE incident = ?'),
    object: database.prepare('INSERT INTO incident_object VALUES (?, ?, ?)'),
    backup: database.prepare('INSERT INTO backup VALUES (?, ?)'),
    rehearsal: database.prepare('INSERT INTO rehearsal VALUES (?, ?)'),
  };
}
