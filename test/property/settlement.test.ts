import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SegmentUpdate } from '../../src/archive/segment-indexer.ts';
import { fileNumber } from '../../src/binlog/coordinates.ts';
import { Catalog, MEMORY } from '../../src/catalog/catalog.ts';
import type { Incident } from '../../src/incident/incident.ts';
import { EVERY_ALTER, settle, type Settlement } from '../../src/incident/settlement.ts';
import { aLineage, anIncident, fileName, inMemoryLog, TEN_O_CLOCK } from '../support/in-memory-log.ts';

const SHOP = aLineage();
const FILES = 4;
const LOG = inMemoryLog(Array.from({ length: FILES }, (_, at) => [{ at }]));

/** What stands at one place of a log. */
interface Step {
  readonly file: number;
  readonly what: 'begins' | 'commits' | 'rolls back' | 'repeats' | 'restarts' | 'alone';
  readonly key: string;
}

const steps = fc.array(
  fc.record<Step>({
    file: fc.integer({ min: 1, max: FILES }),
    what: fc.constantFrom('begins', 'commits', 'rolls back', 'repeats', 'restarts', 'alone'),
    key: fc.constantFrom("XA X'61',X'',1", "XA X'62',X'',1", 'ALTER 0-26', 'ALTER 1-26'),
  }),
  { maxLength: 24 },
);

/** Each step at a place of its own. */
function updatesOf(log: readonly Step[]): SegmentUpdate[] {
  return Array.from({ length: FILES }, (_, index) => {
    const digest = LOG.segments[index]?.digest;
    if (digest === undefined) throw new Error('the log has no such file');
    const incidents: Incident[] = [];
    const settlements: Settlement[] = [];
    for (const [at, { file, what, key }] of log.entries()) {
      if (file !== index + 1) continue;
      const place = { file: fileName(file), start: 256 + 100 * at, end: 356 + 100 * at };
      const found = anIncident({ ...place, time: TEN_O_CLOCK }, { file: place.file });
      const settlement = { ...place, key, gtid: null, time: '2026-11-22T10:00:05Z', state: 'effective' } as const;
      if (what === 'begins') incidents.push({ ...found, state: 'pending', awaits: key });
      if (what === 'alone' || what === 'repeats') incidents.push(found);
      if (what === 'commits' || what === 'repeats') settlements.push(settlement);
      if (what === 'rolls back') settlements.push({ ...settlement, state: 'rolled-back' });
      if (what === 'restarts') settlements.push({ ...settlement, key: EVERY_ALTER, state: 'rolled-back' });
    }
    return { digest, state: 'sealed', checkpoints: [], incidents, settlements };
  });
}

/** @param isWhole whether the catalog has a file, by its number, to its end */
function settledAtOnce(updates: readonly SegmentUpdate[], isWhole: (file: number) => boolean): Incident[] {
  return settle(
    updates.flatMap(({ incidents }) => incidents),
    updates.flatMap(({ settlements }) => settlements),
    (from, to) => {
      const before = fileNumber(to) - fileNumber(from);
      return Array.from({ length: before }, (_, at) => fileNumber(from) + at).every(isWhole);
    },
  );
}

function isLost(catalog: Catalog, file: number): boolean {
  return catalog.lost().some((lost) => lost.file === fileName(file));
}

describe('what later groups make of incidents', () => {
  it('is the same in a catalog, in whatever order its files are read, lost, forgotten and read again, as read at once', () => {
    const what = fc.constantFrom('sealed', 'open', 'forgotten', 'lost');
    const orders = fc.array(fc.tuple(fc.integer({ min: 0, max: FILES - 1 }), what), { maxLength: 12 });
    fc.assert(
      fc.property(steps, orders, (log, order) => {
        const updates = updatesOf(log);
        using catalog = new Catalog(MEMORY, { kept: false });
        const known = new Map<number, 'sealed' | 'open' | 'lost'>();
        for (const [index, step] of order) {
          const update = updates[index];
          if (update === undefined) continue;
          const was = known.get(index);
          // What is lost has its row no more: forgetting that changes nothing but the incidents.
          if (step === 'forgotten') {
            catalog.forget(SHOP.id, update.digest.file);
            known.delete(index);
          } else if (step === 'lost') {
            catalog.lose(SHOP.id, update.digest);
            if (was !== undefined) known.set(index, 'lost');
          } else {
            catalog.record(SHOP, { ...update, state: step });
            known.set(index, was === 'sealed' ? was : step);
          }
          const expected = settledAtOnce(
            updates.filter((_, at) => known.has(at)),
            (file) => known.get(file - 1) === 'sealed' && !isLost(catalog, file),
          );
          expect(catalog.incidents({ all: true }).toReversed()).toEqual(expected);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('is the same after a rebuild, whatever came first', () => {
    const order = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 });
    fc.assert(
      fc.property(steps, order, (log, files) => {
        const updates = updatesOf(log);
        const dumpOf = (indexes: readonly number[]): unknown => {
          using catalog = new Catalog(MEMORY, { kept: false });
          for (const update of updates.filter((_, at) => indexes.includes(at))) catalog.record(SHOP, update);
          return catalog.dump();
        };
        using catalog = new Catalog(MEMORY, { kept: false });
        for (const index of files) {
          const update = updates[index];
          if (update !== undefined) catalog.replace(SHOP, update);
        }
        expect(catalog.dump()).toEqual(dumpOf(files));
      }),
      { numRuns: 60 },
    );
  });

  it('decides about an incident once, and only by a later group that names it', () => {
    fc.assert(
      fc.property(steps, (log) => {
        for (const { file, start, awaits, state, settledBy } of settledAtOnce(updatesOf(log), () => true)) {
          expect(settledBy === null).toBe(awaits === null || state === 'pending');
          if (settledBy === null) continue;
          expect(settledBy.file > file || (settledBy.file === file && settledBy.start > start)).toBe(true);
        }
      }),
    );
  });
});
