/** The catalog's tables as the version before made them. */
export const SCHEMA_2 = `
  CREATE TABLE lineage (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE segment (
    lineage TEXT NOT NULL REFERENCES lineage, number INTEGER NOT NULL, file TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'sealed')), indexed_to INTEGER NOT NULL, digest TEXT NOT NULL,
    PRIMARY KEY (lineage, number)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE checkpoint (
    lineage TEXT NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (lineage, number, start)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE incident (
    id TEXT PRIMARY KEY, lineage TEXT NOT NULL, number INTEGER NOT NULL, start INTEGER NOT NULL, time INTEGER NOT NULL,
    kind TEXT NOT NULL, state TEXT NOT NULL, suspicious INTEGER NOT NULL, body TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX incident_place ON incident (lineage, number, start);
  CREATE INDEX incident_time ON incident (time);
  CREATE TABLE incident_object (
    incident TEXT NOT NULL REFERENCES incident ON DELETE CASCADE,
    schema TEXT NOT NULL COLLATE NOCASE, name TEXT COLLATE NOCASE
  ) STRICT;
  CREATE INDEX incident_object_name ON incident_object (schema, name);
  CREATE INDEX incident_object_owner ON incident_object (incident);
  CREATE TABLE backup (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE rehearsal (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE lost (
    lineage TEXT NOT NULL, number INTEGER NOT NULL, indexed_to INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (lineage, number)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = 2;
`;
