import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { schemaState } from '../../../src/catalog/schema.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { aLineage, anIncident, inMemoryLog, TEN_O_CLOCK } from '../../support/in-memory-log.ts';
import { SCHEMA_2 } from '../../support/schema-2.ts';

const SHOP = aLineage();
const LOG = inMemoryLog([[{ at: 0 }]]);

let directory: Awaited<ReturnType<typeof makeTempDirectory>>;
let path: string;

beforeEach(async () => {
  directory = await makeTempDirectory('lastgood-catalog-');
  path = join(directory.path, 'catalog.sqlite');
});

afterEach(async () => {
  await directory[Symbol.asyncDispose]();
});

/** One segment with one incident; of a state that is listed, and of one that is not. */
function writeSchema2(): void {
  const { digest, state } = LOG.segments[0] ?? {};
  const database = new Sqlite(path);
  database.exec(SCHEMA_2);
  const put = (table: string, ...values: unknown[]): void => {
    database.prepare(`INSERT INTO ${table} VALUES (${values.map(() => '?').join()})`).run(...values);
  };
  put('lineage', SHOP.id, SHOP.createdAt, JSON.stringify(SHOP));
  put('segment', SHOP.id, 1, 'binlog.000001', state, digest?.indexedTo, JSON.stringify(digest));
  for (const [start, incidentState] of [
    [256, 'effective'],
    [356, 'rolled-back'],
  ] as const) {
    const place = { start, end: start + 100, time: TEN_O_CLOCK };
    const found = anIncident(place, { file: 'binlog.000001', state: incidentState });
    const { awaits: _, settledBy: __, ...body } = found;
    put('incident', found.id, SHOP.id, 1, start, TEN_O_CLOCK, found.kind, incidentState, 0, JSON.stringify(body));
    put('incident_object', found.id, 'shop', null);
  }
  database.close();
}

describe('a catalog of an earlier version', () => {
  it('stays as it is for who does not hold the locks of all archivers', () => {
    writeSchema2();
    expect(() => openCatalog(path)).toThrow(
      `catalog '${path}' has schema 2, and becomes 3 only while no archiver runs`,
    );
    expect(existsSync(`${path}.damaged`)).toBe(false);
    expect(schemaState(path)).toBe('earlier');
  });

  it('keeps its incidents: of a segment that is lost nothing else tells', () => {
    writeSchema2();
    using catalog = openCatalog(path, undefined, { migrates: true });
    const [listed, ...others] = catalog.incidents({ schema: 'shop' });
    expect(others).toEqual([]);
    expect(listed).toEqual(
      anIncident({ start: 256, end: 356, time: TEN_O_CLOCK }, { file: 'binlog.000001', state: 'effective' }),
    );
    expect(catalog.incidents({ all: true }).map(({ state }) => state)).toEqual(['rolled-back', 'effective']);
  });

  it('has its segments read again by the present rules, which take the place of what earlier ones found', () => {
    writeSchema2();
    using catalog = openCatalog(path, undefined, { migrates: true });
    const { digest, state } = LOG.segments[0] ?? {};
    if (digest === undefined || state === undefined) throw new Error('the log has no file');
    expect(catalog.segment(SHOP.id, digest.file)).toEqual({ lineage: SHOP.id, digest, state });
    expect(catalog.isOfEarlierRules(SHOP.id, digest.file)).toBe(true);
    expect(catalog.indexed(SHOP.id, digest.file)).toBeNull();
    const incidents = [
      anIncident({ start: 256, end: 356, time: TEN_O_CLOCK }, { file: digest.file, kind: 'drop-view' }),
    ];
    const update = {
      digest: { ...digest, indexedTo: digest.indexedTo + 500 },
      state,
      checkpoints: [],
      settlements: [],
    };
    catalog.record(SHOP, { ...update, incidents });
    expect(catalog.isOfEarlierRules(SHOP.id, digest.file)).toBe(false);
    expect(catalog.incidents({ all: true })).toEqual(incidents);
    catalog.record(SHOP, { ...update, incidents: [] });
    expect(catalog.incidents({ all: true })).toEqual(incidents);
  });
});
