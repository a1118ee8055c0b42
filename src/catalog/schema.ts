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
  `
  -- By which rules its incidents were found; a segment read by others than the present ones is read again.
  ALTER TABLE segment ADD COLUMN rules INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX segment_rules ON segment (rules);
  -- Loops of deletes that the files beside may have more of, as JSON; NULL: there are none.
  ALTER TABLE segment ADD COLUMN loops TEXT;

  CREATE TABLE found (
    id TEXT PRIMARY KEY,
    lineage TEXT NOT NULL,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,
    time INTEGER NOT NULL,               -- seconds since 1970
    kind TEXT NOT NULL,
    body TEXT NOT NULL,                  -- as its own file tells it
    awaits TEXT,                         -- what a later group decides about
    state TEXT NOT NULL DEFAULT '',      -- with what later groups decided
    settled_by TEXT,                     -- the group that did; NULL: none yet
    listed INTEGER NOT NULL DEFAULT 0    -- 0 never, it repeats an earlier one; 1 on demand; 2 always
  ) STRICT, WITHOUT ROWID;
  INSERT INTO found SELECT id, lineage, number, start, time, kind,
    json_insert(body, '$.awaits', NULL, '$.settledBy', NULL), NULL, state, NULL,
    iif(suspicious = 0 AND state IN ('effective', 'pending', 'unknown'), 2, 1) FROM incident;
  CREATE TABLE found_object (
    incident TEXT NOT NULL REFERENCES found ON DELETE CASCADE,
    schema TEXT NOT NULL COLLATE NOCASE,
    name TEXT COLLATE NOCASE             -- NULL: the schema itself
  ) STRICT;
  INSERT INTO found_object SELECT * FROM incident_object;
  DROP TABLE incident_object;
  DROP TABLE incident;
  ALTER TABLE found RENAME TO incident;
  ALTER TABLE found_object RENAME TO incident_object;
  -- With the time: a range of it is looked for in the index alone.
  CREATE INDEX incident_place ON incident (lineage, number, start, time, listed);
  CREATE INDEX incident_listed ON incident (lineage, listed, number, start, time);
  CREATE INDEX incident_kind ON incident (lineage, kind, number, start, time, listed);
  CREATE INDEX incident_state ON incident (lineage, state, number, start, time, listed);
  CREATE INDEX incident_awaits ON incident (lineage, awaits) WHERE awaits IS NOT NULL;
  CREATE INDEX incident_object_name ON incident_object (schema, name, incident);
  CREATE INDEX incident_object_table ON incident_object (name, incident);
  CREATE INDEX incident_object_owner ON incident_object (incident);

  CREATE TABLE settlement (
    lineage TEXT NOT NULL,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL,              -- of the group that decides
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (lineage, number, start)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX settlement_key ON settlement (lineage, key);
  `,
] as const;

/**
 * Makes the tables of an empty catalog; those of an earlier version are brought up to date only by who may do that: an archiver of
 * that version, if one runs, prepares its statements anew on the new tables, and ends.
 *
 * @param options.migrates true for who holds the locks of all archivers
 * @throws LastgoodError `REPOSITORY_VERSION` for tables of an earlier version when not `migrates`, and when a newer version wrote
 * them: throwing them away would fight a newer archiver
 */
export function prepareSchema(database: Database, path: string, { migrates }: { migrates: boolean }): void {
  const apply = database.transaction(() => {
    const version = Number(database.pragma('user_version', { simple: true }));
    if (version > MIGRATIONS.length) throw newerSchema(path, version);
    if (version > 0 && version < MIGRATIONS.length && !migrates) throw earlierSchema(path, version);
    for (const sql of MIGRATIONS.slice(version)) database.exec(sql);
    database.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  // Whoever only looks need not write: a transaction would make SQLite sync the file.
  if (Number(database.pragma('user_version', { simple: true })) !== MIGRATIONS.length) apply.immediate();
}

/**
 * What opening would do to a catalog: make its tables, bring them up to date, or nothing. Asked on a connection like any other: one that
 * may only read leaves its journals behind.
 */
export function schemaState(path: string): 'unmade' | 'earlier' | 'known' {
  const database = new Sqlite(path, { fileMustExist: true });
  try {
    const version = Number(database.pragma('user_version', { simple: true }));
    if (version >= MIGRATIONS.length) return 'known';
    const isEmpty = version === 0 && database.prepare('SELECT 1 FROM sqlite_master').get() === undefined;
    return isEmpty ? 'unmade' : 'earlier';
  } finally {
    database.close();
  }
}

function earlierSchema(path: string, version: number): LastgoodError {
  return new LastgoodError(
    'REPOSITORY_VERSION',
    `catalog '${path}' has schema ${version}, and becomes ${MIGRATIONS.length} only while no archiver runs`,
    {
      details: { path, version, known: MIGRATIONS.length },
      hint: 'Restart the archivers of this repository, so that they run this version too.',
    },
  );
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
