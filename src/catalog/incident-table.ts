import type { Database, Statement } from 'better-sqlite3';
import type { SegmentUpdate } from '../archive/segment-indexer.ts';
import { fileNumber } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { withLoop, type LoopPiece } from '../incident/loop-borders.ts';
import { ALTER, EVERY_ALTER, settle, type Settlement } from '../incident/settlement.ts';
import { incidentCondition, incidentSource, isListed, LISTED, type IncidentFilter } from './incident-filter.ts';
import { WholeFiles } from './whole-files.ts';

type Value = string | number | null;

/** What was found in one file, as it was found: in other files may stand what became of it. */
export type FoundInFile = Pick<SegmentUpdate, 'incidents' | 'settlements' | 'loops'>;

/**
 * The incidents of a catalog. A row keeps what its own file says (`body`), and beside it what the lineage's other files
 * make of that: whatever the order in which files are indexed, forgotten and indexed again, the result is the same.
 * The caller has the transaction.
 */
export class IncidentTable {
  readonly #database: Database;
  readonly #wholeFiles: WholeFiles;
  readonly #statements = new Map<string, Statement<Value[]>>();

  constructor(database: Database) {
    this.#database = database;
    this.#wholeFiles = new WholeFiles(database);
  }

  /** Adds what was found in a file; what is there already is written over. */
  put(lineage: string, file: string, { incidents, settlements }: FoundInFile): void {
    for (const incident of incidents) this.#put(lineage, incident);
    for (const settlement of settlements) {
      const { start, key } = settlement;
      this.#run(PUT_SETTLEMENT, lineage, fileNumber(file), start, key, JSON.stringify(settlement));
    }
    this.#settle(lineage, [...incidents.flatMap(({ awaits }) => awaits ?? []), ...settlements.map(({ key }) => key)]);
  }

  /** @param to bytes from the file's start: what was found behind stays */
  forget(lineage: string, file: string, to: number): void {
    const place = [lineage, fileNumber(file), to];
    const keys = this.#all<{ key: string }>(
      `SELECT awaits AS key FROM incident WHERE lineage = ? AND number = ? AND start < ? AND awaits IS NOT NULL
       UNION SELECT key FROM settlement WHERE lineage = ? AND number = ? AND start < ?`,
      ...place,
      ...place,
    );
    for (const table of ['incident', 'settlement'])
      this.#run(`DELETE FROM ${table} WHERE lineage = ? AND number = ? AND start < ?`, ...place);
    this.#settle(
      lineage,
      keys.map(({ key }) => key),
    );
  }

  /**
   * Does what changes a file of the lineage. When the file was whole and is not any more, or the other way round, groups behind
   * it may decide about incidents before it, or may no longer.
   */
  changing(lineage: string, file: string, work: () => void): void {
    const was = this.#wholeFiles.isWhole(lineage, file);
    work();
    if (this.#wholeFiles.isWhole(lineage, file) === was) return;
    const number = fileNumber(file);
    const across = this.#all<{ key: string }>(ACROSS, lineage, number, number);
    this.#settle(
      lineage,
      across.map(({ key }) => key),
    );
  }

  /** In the file's order. */
  found(lineage: string, file: string): FoundInFile {
    const of = (table: string): string => `SELECT body FROM ${table} WHERE lineage = ? AND number = ? ORDER BY start`;
    const number = fileNumber(file);
    const [row] = this.#all<{ loops: string | null }>(LOOPS, lineage, number);
    const loops = row?.loops ?? null;
    return {
      incidents: this.#all<Body>(of('incident'), lineage, number).map(parseIncident),
      settlements: this.#all<Body>(of('settlement'), lineage, number).map(parseSettlement),
      ...(loops === null ? {} : { loops: JSON.parse(loops) as LoopPiece[] }),
    };
  }

  /** Newest first, by their place in the log: times can be forged. */
  list({ lineage, limit = Infinity, ...filter }: IncidentFilter): Incident[] {
    const found: Incident[] = [];
    const from = incidentSource(filter);
    const where = incidentCondition(filter);
    const query = `SELECT body, state, settled_by FROM ${from.sql} WHERE lineage = ? AND ${where.sql}
      ORDER BY number DESC, start DESC LIMIT ?`;
    // One after the other: then an index has each in the order wanted, and a limit reads no more than it shows.
    for (const id of lineage === undefined ? this.#lineages() : [lineage]) {
      const room = limit === Infinity ? -1 : limit - found.length;
      if (room === 0) break;
      const loops = this.#wholeFiles.loops(id);
      for (const row of this.#all<Row>(query, ...from.values, id, ...where.values, room))
        found.push(withLoop(toIncident(row), loops));
    }
    return found;
  }

  /** null when there is none. */
  get(id: string): Incident | null {
    const [row] = this.#all<Row>('SELECT body, state, settled_by FROM incident WHERE id = ?', id);
    if (row === undefined) return null;
    const incident = toIncident(row);
    return withLoop(incident, this.#wholeFiles.loops(incident.lineage ?? ''));
  }

  #lineages(): string[] {
    return this.#all<{ id: string }>('SELECT id FROM lineage ORDER BY created_at DESC, id').map(({ id }) => id);
  }

  #put(lineage: string, incident: Incident): void {
    const { id, file, start, kind, objects, awaits } = incident;
    const time = Date.parse(incident.time) / 1000;
    const place = [id, lineage, fileNumber(file), start, time];
    this.#run(PUT_INCIDENT, ...place, kind, JSON.stringify(incident), awaits);
    this.#judge(incident);
    this.#run('DELETE FROM incident_object WHERE incident = ?', id);
    for (const { schema, name } of objects) this.#run('INSERT INTO incident_object VALUES (?, ?, ?)', id, schema, name);
  }

  /** @param repeats true when an earlier incident is the same thing's beginning */
  #judge(incident: Incident, { repeats = false } = {}): void {
    const { id, state, settledBy } = incident;
    const settled = settledBy === null ? null : JSON.stringify(settledBy);
    const shown = isListed(incident) ? LISTED.always : LISTED.onDemand;
    this.#run(JUDGE, state, settled, repeats ? LISTED.never : shown, id);
  }

  /** Puts together what began in one group and ended in another. */
  #settle(lineage: string, keys: readonly string[]): void {
    for (const key of new Set(keys)) {
      const each = key === EVERY_ALTER ? this.#all<{ key: string }>(ALTERS, lineage).map((row) => row.key) : [key];
      for (const one of each) this.#settleKey(lineage, one);
    }
  }

  #settleKey(lineage: string, key: string): void {
    const settlements = this.#all<Body>(
      `SELECT body FROM settlement WHERE lineage = ? AND key IN (?, ?)`,
      ...[lineage, key, key.startsWith(ALTER) ? EVERY_ALTER : key],
    ).map(parseSettlement);
    const found = this.#all<Body>(CONCERNED, lineage, key, lineage, key).map(parseIncident);
    const isUnbroken = (from: string, to: string): boolean => this.#wholeFiles.isUnbroken(lineage, from, to);
    const settled = new Map(settle(found, settlements, isUnbroken).map((incident) => [incident.id, incident]));
    for (const incident of found) {
      const now = settled.get(incident.id);
      if (now === undefined) this.#judge(incident, { repeats: true });
      else this.#judge(now);
    }
  }

  #run(sql: string, ...values: Value[]): void {
    this.#prepare(sql).run(...values);
  }

  #all<Result>(sql: string, ...values: Value[]): Result[] {
    return this.#prepare(sql).all(...values) as Result[];
  }

  #prepare(sql: string): Statement<Value[]> {
    const known = this.#statements.get(sql) ?? this.#database.prepare<Value[]>(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

const PUT_INCIDENT = `INSERT INTO incident (id, lineage, number, start, time, kind, body, awaits) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET time = excluded.time, kind = excluded.kind, body = excluded.body, awaits = excluded.awaits`;
const PUT_SETTLEMENT = `INSERT INTO settlement VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (lineage, number, start) DO UPDATE SET key = excluded.key, body = excluded.body`;
const JUDGE = 'UPDATE incident SET state = ?, settled_by = ?, listed = ? WHERE id = ?';
const ALTERS = `SELECT DISTINCT awaits AS key FROM incident WHERE lineage = ? AND awaits >= '${ALTER}' AND awaits < '${ALTER}~'`;
const LOOPS = 'SELECT loops FROM segment WHERE lineage = ? AND number = ?';
/**
 * What began in a file or before it, and may be decided behind the file. The plus keeps SQLite from looking by number: hardly an
 * incident awaits anything, and this is asked at the end of every file.
 */
const ACROSS = `SELECT DISTINCT awaits AS key FROM incident WHERE lineage = ? AND awaits IS NOT NULL AND +number <= ?
  AND EXISTS (SELECT 1 FROM settlement WHERE settlement.lineage = incident.lineage AND settlement.number > ? AND key IN
    (awaits, iif(awaits >= '${ALTER}' AND awaits < '${ALTER}~', '${EVERY_ALTER}', awaits)))`;
/** Those that await the key, and those at the place of what ends it. SQLite keeps to the order of a CROSS JOIN: by itself it reads all incidents. */
const CONCERNED = `SELECT body FROM incident WHERE lineage = ? AND awaits = ?
  UNION SELECT incident.body FROM settlement CROSS JOIN incident USING (lineage, number, start)
  WHERE settlement.lineage = ? AND settlement.key = ?`;

interface Body {
  readonly body: string;
}

interface Row extends Body {
  readonly state: Incident['state'];
  readonly settled_by: string | null;
}

function parseIncident({ body }: Body): Incident {
  return JSON.parse(body) as Incident;
}

function parseSettlement({ body }: Body): Settlement {
  return JSON.parse(body) as Settlement;
}

function toIncident(row: Row): Incident {
  const settledBy = row.settled_by === null ? null : (JSON.parse(row.settled_by) as Incident['settledBy']);
  return Object.assign(parseIncident(row), { state: row.state, settledBy });
}
