import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SegmentUpdate } from '../../../src/archive/segment-indexer.ts';
import { openCatalog, type Catalog } from '../../../src/catalog/catalog.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import type { Settlement } from '../../../src/incident/settlement.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { aLineage, anIncident, fileName, inMemoryLog, TEN_O_CLOCK } from '../../support/in-memory-log.ts';

const SHOP = aLineage();
const KEY = "XA X'616263',X'',1";
const ALTER = 'ALTER 0-26';
const LOG = inMemoryLog(Array.from({ length: 3 }, (_, at) => [{ at }]));

let directory: Awaited<ReturnType<typeof makeTempDirectory>>;
let catalog: Catalog;

beforeEach(async () => {
  directory = await makeTempDirectory('lastgood-catalog-');
  catalog = openCatalog(join(directory.path, 'catalog.sqlite'));
});

afterEach(async () => {
  catalog[Symbol.dispose]();
  await directory[Symbol.asyncDispose]();
});

function incidentIn(file: number, change: Partial<Incident> = {}): Incident {
  const place = { start: 256, end: 356, time: TEN_O_CLOCK };
  return anIncident(place, { file: fileName(file), state: 'pending', awaits: KEY, ...change });
}

function settlementIn(file: number, change: Partial<Settlement> = {}): Settlement {
  const place = { file: fileName(file), start: 256, end: 356, gtid: null, time: '2026-11-22T10:00:05Z' };
  return { key: KEY, state: 'effective', ...place, ...change };
}

function fileOf(file: number, found: Partial<Pick<SegmentUpdate, 'incidents' | 'settlements'>> = {}): SegmentUpdate {
  const digest = LOG.segments[file - 1]?.digest;
  if (digest === undefined) throw new Error(`the log has no file ${file}`);
  return { digest, state: 'sealed', checkpoints: [], incidents: [], settlements: [], ...found };
}

function states(filter: Parameters<Catalog['incidents']>[0] = { all: true }): string[] {
  return catalog.incidents(filter).map(({ file, state, settledBy }) => {
    return `${file.slice(-1)} ${state}${settledBy === null ? '' : ` by ${settledBy.file.slice(-1)}`}`;
  });
}

describe('an incident that a later group decides about', () => {
  const first = fileOf(1, { incidents: [incidentIn(1)] });
  const second = fileOf(2, { settlements: [settlementIn(2)] });

  it('is listed while it is pending, and then as what became of it', () => {
    catalog.record(SHOP, first);
    expect(states({})).toEqual(['1 pending']);
    catalog.record(SHOP, fileOf(2, { settlements: [settlementIn(2, { state: 'rolled-back' })] }));
    expect(states({})).toEqual([]);
    expect(states()).toEqual(['1 rolled-back by 2']);
    expect(catalog.incident(incidentIn(1).id)).toMatchObject({ state: 'rolled-back', settledBy: { start: 256 } });
  });

  it('is the same in whatever order the files are read, once or again', () => {
    const reuse = fileOf(3, { incidents: [incidentIn(3)] });
    for (const order of [
      [first, second, reuse],
      [reuse, second, first],
      [second, reuse, first, first, second],
    ]) {
      for (const update of order) catalog.record(SHOP, update);
      expect(states()).toEqual(['3 pending', '1 effective by 2']);
      for (const file of [1, 2, 3]) catalog.forget(SHOP.id, fileName(file));
      expect(states()).toEqual([]);
    }
  });

  it('is pending again when the file that decided is forgotten or read anew without it', () => {
    catalog.record(SHOP, first);
    catalog.record(SHOP, second);
    catalog.forget(SHOP.id, fileName(2));
    expect(states()).toEqual(['1 pending']);
    catalog.record(SHOP, second);
    expect(states()).toEqual(['1 effective by 2']);
    catalog.replace(SHOP, fileOf(2));
    expect(states()).toEqual(['1 pending']);
  });

  it('stays decided when the file that decided is lost: nothing else tells of it any more', () => {
    catalog.record(SHOP, first);
    catalog.record(SHOP, second);
    catalog.lose(SHOP.id, second.digest);
    expect(states()).toEqual(['1 effective by 2']);
  });

  it('is kept for each file as that file tells it, for comparison with a new reading', () => {
    catalog.record(SHOP, first);
    catalog.record(SHOP, second);
    expect(catalog.indexed(SHOP.id, fileName(1))).toEqual(first);
    expect(catalog.indexed(SHOP.id, fileName(2))).toEqual(second);
  });

  it('is listed once when the deciding group has its text again, or by that group alone when it is all that is known', () => {
    const began = fileOf(1, { incidents: [incidentIn(1, { awaits: ALTER })] });
    const ended = fileOf(2, {
      incidents: [incidentIn(2, { awaits: null, state: 'effective' })],
      settlements: [settlementIn(2, { key: ALTER })],
    });
    catalog.record(SHOP, ended);
    expect(states()).toEqual(['2 effective']);
    catalog.record(SHOP, began);
    expect(states()).toEqual(['1 effective by 2']);
    catalog.forget(SHOP.id, fileName(1));
    expect(states()).toEqual(['2 effective']);
  });

  it('is undone by a start of the server when it is an ALTER', () => {
    catalog.record(SHOP, fileOf(1, { incidents: [incidentIn(1, { awaits: ALTER })] }));
    catalog.record(
      SHOP,
      fileOf(2, { settlements: [settlementIn(2, { key: 'ALTER *', state: 'rolled-back', start: 4 })] }),
    );
    expect(states()).toEqual(['1 rolled-back by 2']);
    catalog.replace(SHOP, fileOf(2));
    expect(states()).toEqual(['1 pending']);
  });

  it('is not decided over a file that is missing, lost or open, whatever came first', () => {
    const last = fileOf(3, { settlements: [settlementIn(3, { state: 'rolled-back' })] });
    const middle = fileOf(2);
    for (const order of [
      [first, last],
      [last, first],
    ]) {
      for (const update of order) catalog.record(SHOP, update);
      expect(states({})).toEqual(['1 pending']);
      catalog.record(SHOP, { ...middle, state: 'open' });
      expect(states({})).toEqual(['1 pending']);
      catalog.record(SHOP, middle);
      expect(states()).toEqual(['1 rolled-back by 3']);
      expect(states({})).toEqual([]);
      catalog.lose(SHOP.id, middle.digest);
      expect(states({})).toEqual(['1 pending']);
      catalog.replace(SHOP, { ...middle, digest: { ...middle.digest, indexedTo: 300 } });
      expect(states({})).toEqual(['1 pending']);
      catalog.replace(SHOP, middle);
      expect(states()).toEqual(['1 rolled-back by 3']);
      for (const file of [1, 2, 3]) catalog.forget(SHOP.id, fileName(file));
    }
  });

  it('is not decided over a file that an earlier version of the program looked through', () => {
    for (const file of [1, 2]) catalog.record(SHOP, file === 1 ? first : fileOf(2));
    const path = join(directory.path, 'catalog.sqlite');
    const database = new Sqlite(path);
    database.exec('UPDATE segment SET rules = 0 WHERE number = 2');
    database.close();
    catalog.record(SHOP, fileOf(3, { settlements: [settlementIn(3, { state: 'rolled-back' })] }));
    expect(states({})).toEqual(['1 pending']);
    catalog.replace(SHOP, fileOf(2));
    expect(states()).toEqual(['1 rolled-back by 3']);
  });

  it('is not decided by another lineage', () => {
    catalog.record(SHOP, first);
    catalog.record(aLineage({ id: 'shop-9f8e' }), second);
    expect(states()).toEqual(['1 pending']);
  });
});

describe('a limit', () => {
  it('gives the newest, over lineages too', () => {
    const younger = { ...aLineage({ id: 'shop-9f8e' }), createdAt: '2026-11-22T11:00:00Z' };
    catalog.record(younger, fileOf(1, { incidents: [incidentIn(1, { lineage: younger.id })] }));
    for (const file of [1, 2]) catalog.record(SHOP, fileOf(file, { incidents: [incidentIn(file)] }));
    const places = catalog.incidents({ limit: 2 }).map(({ lineage, file }) => `${lineage ?? ''} ${file}`);
    expect(places).toEqual(['shop-9f8e binlog.000001', 'shop-1a2b binlog.000002']);
    expect(catalog.incidents({ limit: 9 })).toHaveLength(3);
  });
});
