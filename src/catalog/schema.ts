import Sqlite, { type Database } from 'better-sqlite3';
import { LastgoodError } from '../platform/errors.ts';

/**
 * One entry for each schema version, never edited after a release. Rows keep what the archive says as JSON (`body`,
 * `digest`) beside the columns that queries need: a new field of a record needs no migration.
 */
const MIGRATIONS = [
  `
  CREATE TABLE lineage (
    id TEXT PRIMARY KEY,
    created_at TEXT NOT NULL,            -- RFC 3339, UTC
    body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE segment (
    lineage TEXT NOT NULL REFERENCES lineage,
    number INTEGER NOT NULL,             -- of the file: binlog.1000000 follows binlog.999999
    file TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'sealed')),
    indexed_to INTEGER NOT NULL,         -- bytes from the file's start
    digest TEXT NOT NULL,
    PRIMARY KEY (lineage, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE checkpoint (
    lineage TEXT NOT NULL,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,              -- bytes from the file's start
    body TEXT NOT NULL,
    PRIMARY KEY (lineage, number, start)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    lineage TEXT NOT NULL,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    time INTEGER NOT NULL,               -- seconds since 1970
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    suspicious INTEGER NOT NULL,
    body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX incident_place ON incident (lineage, number, start);
  CREATE INDEX incident_time ON incident (time);

  CREATE TABLE incident_object (
    incident TEXT NOT NULL REFERENCES incident ON DELETE CASCADE,
    schema TEXT NOT NULL COLLATE NOCASE,
    name TEXT COLLATE NOCASE             -- NULL: the schema itself
  ) STRICT;
  CREATE INDEX incident_object_name ON incident_object (schema, name);
  CREATE INDEX incident_object_owner ON incident_object (incident);

  CREATE TABLE backup (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE rehearsal (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE lost (
    lineage TEXT NOT NULL,
    number INTEGER NOT NULL,
    indexed_to INTEGER NOT NULL,         -- bytes from the file's start that were durable once
    body TEXT NOT NULL,
    PRIMARY KEY (lineage, number)
  ) STRICT, WITHOUT ROWID;
  `,
] as const;

/**
 * Brings a catalog to this version's schema.
 *
 * @throws LastgoodError `REPOSITORY_VERSION` when a newer version wrote it: throwing it away would fight a newer archiver
 */
export function migrate(database: Database, path: string): void {
  const apply = database.transaction(() => {
    const version = Number(database.pragma('user_version', { simple: true }));
    if (version > MIGRATIONS.length) throw newerSchema(path, version);
    for (const sql of MIGRATIONS.slice(version)) database.exec(sql);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  // Whoever only looks need not write: a transaction would make SQLite sync the file.
  if (Number(database.pragma('user_version', { simple: true })) !== MIGRATIONS.length) apply.immediate();
}

/**
 * True for a catalog that opening would bring up to date, so that it would be written to. Asked on a connection like any other:
 * one that may only read leaves its journals behind.
 */
export function isOfEarlierVersion(path: string): boolean {
  const database = new Sqlite(path, { fileMustExist: true });
  try {
    return Number(database.pragma('user_version', { simple: true })) < MIGRATIONS.length;
  } finally {
    database.close();
  }
}

function newerSchema(path: string, version: number): LastgoodError {
  return new LastgoodError(
    'REPOSITORY_VERSION',
    `catalog '${path}' has schema ${version}, this version knows ${MIGRATIONS.length}`,
    {
      details: { path, version, known: MIGRATIONS.length },
      hint: 'Use the lastgood version that wrote it, or a newer one; or run `lastgood catalog rebuild`: the archive is untouched.',
    },
  );
}
