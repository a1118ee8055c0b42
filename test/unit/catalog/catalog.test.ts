import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SegmentUpdate } from '../../../src/archive/segment-indexer.ts';
import { openCatalog, type Catalog } from '../../../src/catalog/catalog.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import { isLastgoodError } from '../../../src/platform/errors.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import {
  aBackup,
  aLineage,
  anIncident,
  inMemoryLog,
  TEN_O_CLOCK,
  type InMemoryLog,
} from '../../support/in-memory-log.ts';

const SHOP = aLineage();
let directory: Awaited<ReturnType<typeof makeTempDirectory>>;
let path: string;

beforeEach(async () => {
  directory = await makeTempDirectory('lastgood-catalog-');
  path = join(directory.path, 'catalog.sqlite');
});

afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

/** Ten groups a file; checkpoints at every 250 bytes. */
function aLog(files: number): InMemoryLog {
  return inMemoryLog(
    Array.from({ length: files }, (_, file) => {
      return Array.from({ length: 10 }, (__, n) => ({ gtid: `0-1-${file * 10 + n + 1}`, at: file * 10 + n }));
    }),
  );
}

function updateOf(log: InMemoryLog, index: number, incidents: readonly Incident[] = []): SegmentUpdate {
  const segment = log.segments[index];
  if (segment === undefined) throw new Error(`the log has no file ${index}`);
  const { digest, state } = segment;
  return { digest, state, checkpoints: log.checkpoints(digest.file), incidents, settlements: [] };
}

function dropAt(start: number, change: Partial<Incident> = {}): Incident {
  const file = change.file ?? 'binlog.000001';
  return anIncident({ start, end: start + 100, time: TEN_O_CLOCK + start }, { ...change, file });
}

function fill(catalog: Catalog, incidents: readonly Incident[]): void {
  const log = aLog(2);
  for (const index of [0, 1]) {
    const file = log.segments[index]?.digest.file;
    catalog.record(
      SHOP,
      updateOf(
        log,
        index,
        incidents.filter((incident) => incident.file === file),
      ),
    );
  }
}

describe('a catalog', () => {
  it('gives back what was recorded, in the order of the log', () => {
    using catalog = openCatalog(path);
    const log = aLog(3);
    for (const index of [2, 0, 1]) catalog.record(SHOP, updateOf(log, index));
    expect(catalog.lineages()).toEqual([SHOP]);
    expect(catalog.segments(SHOP.id)).toEqual(log.segments);
    expect(catalog.checkpoints(SHOP.id, 'binlog.000002')).toEqual(log.checkpoints('binlog.000002'));
    expect(catalog.checkpoints(SHOP.id, 'binlog.000002').length).toBeGreaterThan(2);
  });

  it('orders binlog.1000000 after binlog.999999', () => {
    using catalog = openCatalog(path);
    const log = inMemoryLog([[{ at: 0 }], [{ at: 1 }]], { firstNumber: 999_999 });
    for (const index of [1, 0]) catalog.record(SHOP, updateOf(log, index));
    expect(catalog.segments(SHOP.id).map(({ digest }) => digest.file)).toEqual(['binlog.999999', 'binlog.1000000']);
  });

  it('tells the newest segment of a lineage, and the newest that holds a group', () => {
    using catalog = openCatalog(path);
    const log = aLog(3);
    expect(catalog.newestSegment(SHOP.id)).toBeNull();
    for (const index of [0, 1, 2]) {
      const update = updateOf(log, index);
      const isEmpty = index === 2;
      catalog.record(SHOP, isEmpty ? { ...update, digest: { ...update.digest, first: null, last: null } } : update);
    }

    expect(catalog.newestSegment(SHOP.id)).toEqual(catalog.segments(SHOP.id)[2]);
    expect(catalog.newestSegment(SHOP.id, { withGroups: true })).toEqual(log.segments[1]);
    expect(catalog.newestSegment('other', { withGroups: true })).toBeNull();
  });

  it('says the same when everything is recorded twice and in pieces', () => {
    const log = aLog(2);
    const incidents = [dropAt(356), dropAt(556)];
    using once = openCatalog(path);
    once.record(SHOP, updateOf(log, 0, incidents));
    once.record(SHOP, updateOf(log, 1));
    using pieces = openCatalog(`${path}.pieces`);
    const { digest, checkpoints } = updateOf(log, 0);
    for (let round = 0; round < 2; round += 1) {
      pieces.record(SHOP, {
        digest: { ...digest, indexedTo: 500 },
        state: 'open',
        checkpoints: [],
        incidents: incidents.slice(0, 1),
        settlements: [],
      });
      for (const checkpoint of checkpoints) {
        pieces.record(SHOP, {
          digest,
          state: 'open',
          checkpoints: [checkpoint],
          incidents: incidents.slice(1),
          settlements: [],
        });
      }
      pieces.record(SHOP, { digest, state: 'sealed', checkpoints: [], incidents: [], settlements: [] });
      pieces.record(SHOP, updateOf(log, 1));
    }
    expect(pieces.dump()).toEqual(once.dump());
  });

  it('never goes back: not to fewer bytes, not from sealed to open', () => {
    using catalog = openCatalog(path);
    const update = updateOf(aLog(2), 0);
    catalog.record(SHOP, update);
    catalog.record(SHOP, { ...update, state: 'open' });
    catalog.record(SHOP, { ...update, digest: { ...update.digest, indexedTo: 400, groups: 1 } });
    expect(catalog.segment(SHOP.id, 'binlog.000001')).toMatchObject({ state: 'sealed', digest: update.digest });
  });

  it('replaces a segment with a whole reading of it, unless its archiver has gone on since', () => {
    using catalog = openCatalog(path);
    const update = updateOf(aLog(1), 0, [dropAt(356)]);
    catalog.record(SHOP, { ...update, incidents: [dropAt(456)] });
    catalog.replace(SHOP, update);
    expect(catalog.incidents().map(({ start }) => start)).toEqual([356]);
    catalog.replace(SHOP, { ...update, digest: { ...update.digest, indexedTo: 300 }, incidents: [] });
    expect(catalog.incidents().map(({ start }) => start)).toEqual([356]);
  });

  it('forgets a segment with everything in it', () => {
    using catalog = openCatalog(path);
    fill(catalog, [dropAt(356), dropAt(356, { file: 'binlog.000002' })]);
    catalog.forget(SHOP.id, 'binlog.000001');
    expect(catalog.segments(SHOP.id).map(({ digest }) => digest.file)).toEqual(['binlog.000002']);
    expect(catalog.checkpoints(SHOP.id, 'binlog.000001')).toEqual([]);
    expect(catalog.incidents({ schema: 'shop' }).map(({ file }) => file)).toEqual(['binlog.000002']);
  });

  it('holds exactly the backups that it was last told of', () => {
    using catalog = openCatalog(path);
    const [first, second] = [aBackup('binlog.000001:256'), aBackup('binlog.000001:356')];
    catalog.setRecords({ lineages: [SHOP], backups: [first, second], rehearsals: [] });
    catalog.setRecords({ lineages: [SHOP], backups: [second], rehearsals: [] });
    expect(catalog.backups()).toEqual([second]);
  });

  it('shows a reader what a writer has committed', () => {
    using writer = openCatalog(path);
    using reader = openCatalog(path);
    fill(writer, [dropAt(356)]);
    expect(reader.incidents()).toHaveLength(1);
  });
});

describe('listing incidents', () => {
  const table = { schema: 'shop', name: 'orders', type: 'table' } as const;
  const ofDatabase = dropAt(256);
  const ofTable = dropAt(356, { kind: 'drop-table', objects: [table] });
  const ofOther = dropAt(456, { objects: [{ schema: 'crm', name: null, type: 'database' }] });
  const undone = dropAt(556, { state: 'rolled-back' });
  const doubtful = dropAt(656, { suspicious: true });
  const later = dropAt(256, {
    file: 'binlog.000002',
    kind: 'truncate-table',
    objects: [table, { ...table, name: 'items' }],
  });
  const everything = [ofDatabase, ofTable, ofOther, undone, doubtful, later];

  function starts(filter: Parameters<Catalog['incidents']>[0]): string[] {
    using catalog = openCatalog(path);
    fill(catalog, everything);
    return catalog.incidents(filter).map(({ file, start }) => `${file}:${start}`);
  }

  it('shows the newest first, by their place in the log, and hides what did no harm', () => {
    expect(starts({})).toEqual(['binlog.000002:256', 'binlog.000001:456', 'binlog.000001:356', 'binlog.000001:256']);
  });

  it('shows all on demand', () => {
    expect(starts({ all: true })).toHaveLength(everything.length);
  });

  it('filters by schema without regard to case', () => {
    expect(starts({ schema: 'CRM' })).toEqual(['binlog.000001:456']);
  });

  it('finds what destroyed a table, with its schema also what dropped the whole schema', () => {
    expect(starts({ table: 'orders' })).toEqual(['binlog.000002:256', 'binlog.000001:356']);
    expect(starts({ table: 'orders', schema: 'shop' })).toEqual([
      'binlog.000002:256',
      'binlog.000001:356',
      'binlog.000001:256',
    ]);
    expect(starts({ table: 'items', schema: 'crm' })).toEqual(['binlog.000001:456']);
  });

  it('filters by kind and by time, both ends included', () => {
    expect(starts({ kind: 'truncate-table' })).toEqual(['binlog.000002:256']);
    expect(starts({ since: TEN_O_CLOCK + 356, until: TEN_O_CLOCK + 456 })).toEqual([
      'binlog.000001:456',
      'binlog.000001:356',
    ]);
  });

  it('gives one incident by its id, whatever its state', () => {
    using catalog = openCatalog(path);
    fill(catalog, everything);
    expect(catalog.incident(undone.id)).toEqual(undone);
    expect(catalog.incident('inc-00000000')).toBeNull();
  });
});

describe('opening a catalog', () => {
  it('moves a damaged file aside, says so, and starts empty', async () => {
    await writeFile(path, 'this is no database, and long enough that nobody can take it for an empty one'.repeat(50));
    const reasons: string[] = [];
    using catalog = openCatalog(path, (reason) => reasons.push(reason));
    expect(reasons).toEqual(['file is not a database']);
    expect(catalog.segments(SHOP.id)).toEqual([]);
    expect(existsSync(`${path}.damaged`)).toBe(true);
  });

  it('starts anew when the tables are not there', () => {
    const database = new Sqlite(path);
    database.pragma('user_version = 1');
    database.close();
    const reasons: string[] = [];
    using catalog = openCatalog(path, (reason) => reasons.push(reason), { migrates: true });
    expect(reasons).toEqual(['no such table: segment']);
    expect(catalog.lineages()).toEqual([]);
  });

  it('refuses the schema of a newer version and leaves it as it is', () => {
    const database = new Sqlite(path);
    database.pragma('user_version = 99');
    database.close();
    expect(() => openCatalog(path)).toThrow(`catalog '${path}' has schema 99, this version knows 3`);
    expect(existsSync(`${path}.damaged`)).toBe(false);
  });

  it('says how to heal damage that shows up only when it is read', async () => {
    {
      using catalog = openCatalog(path);
      fill(catalog, []);
    }
    const bytes = await readFile(path);
    const schemaPage = 4096;
    await writeFile(path, bytes.fill(0x5a, schemaPage));
    using catalog = openCatalog(path);
    expect(() => catalog.segments(SHOP.id)).toThrow(/^catalog '.*' is damaged$/);
  });

  it('says so when the folder is missing', () => {
    let caught: unknown;
    try {
      openCatalog(join(directory.path, 'nowhere', 'catalog.sqlite'));
    } catch (error) {
      caught = error;
    }
    expect(isLastgoodError(caught, 'REPOSITORY_UNREADABLE')).toBe(true);
  });
});
