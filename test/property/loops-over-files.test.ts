import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SegmentUpdate } from '../../src/archive/segment-indexer.ts';
import type { FormatDescription } from '../../src/binlog/format-description.ts';
import { Catalog, MEMORY } from '../../src/catalog/catalog.ts';
import { IncidentFinder } from '../../src/incident/finder.ts';
import type { Incident } from '../../src/incident/incident.ts';
import { joinSeries } from '../../src/operations/scan/join-series.ts';
import type { FileScan } from '../../src/operations/scan/scan-file.ts';
import { aGroup, aLineage, fileName, inMemoryLog, TEN_O_CLOCK } from '../support/in-memory-log.ts';

const SHOP = aLineage();

const FORMAT: FormatDescription = {
  serverVersion: '8.0.40',
  flavor: 'mysql',
  time: TEN_O_CLOCK,
  createdAt: 0,
  checksum: 'crc32',
  checksumAware: true,
  serverId: 1,
  length: 252,
  relayLog: false,
};

/** A group that deletes, or changes nothing that counts. */
interface Step {
  readonly rows: number;
  readonly threadId: number;
  /** Seconds since the group before. */
  readonly later: number;
  /** Files begin before it: of some of them there is nothing else. */
  readonly rotations: number;
}

const steps = fc.array(
  fc.record<Step>({
    rows: fc.oneof(fc.constant(0), fc.integer({ min: 25, max: 300 })),
    threadId: fc.integer({ min: 1, max: 3 }),
    later: fc.constantFrom(0, 1, 5, 20, 29, 31),
    rotations: fc.constantFrom(0, 0, 0, 1, 1, 2),
  }),
  { minLength: 1, maxLength: 30 },
);

/** What one file tells by itself. Places are the same however the log is cut into files. */
function read(file: string, groups: readonly (Step & { readonly at: number; readonly time: number })[]): FileScan {
  const incidents = new Map<string, Incident>();
  const keep = (incident: Incident): unknown => incidents.set(incident.id, incident);
  const finder = new IncidentFinder({ lineage: SHOP.id, found: keep, grown: keep });
  finder.enterFile(file, FORMAT);
  for (const { at, rows, threadId, time } of groups) {
    if (rows > 0) {
      const change = { schema: 'shop', table: 'orders', exact: true, bytes: 100, offset: at } as const;
      finder.rows({ kind: 'delete', rows, ...change });
    }
    finder.group({ ...aGroup({ start: at, end: at + 100, time }), threadId }, null);
  }
  return {
    file: { path: file, name: file, bytes: 1, compression: null },
    scanned: { groups: groups.length, end: 'rotate' },
    incidents: [...incidents.values()].sort((a, b) => a.start - b.start),
    settlements: [],
    loops: finder.loopPieces,
    last: null,
    isWhole: true,
    openedAt: TEN_O_CLOCK,
  } as unknown as FileScan;
}

function cut(log: readonly Step[], inFiles: boolean): FileScan[] {
  let time = TEN_O_CLOCK;
  const files: (Step & { at: number; time: number })[][] = [[]];
  for (const [index, step] of log.entries()) {
    for (let begun = 0; inFiles && begun < step.rotations; begun += 1) files.push([]);
    time += step.later;
    files.at(-1)?.push({ ...step, at: 256 + 100 * index, time });
  }
  return files.map((groups, index) => read(fileName(index + 1), groups));
}

const rowsOf = ({ loop, rows }: Incident): number => loop?.deleted ?? rows.deleted;
const startOf = ({ loop, start }: Incident): number => loop?.from.position ?? start;

/** Loops of so many rows as are shown at all. */
function loopsIn(incidents: readonly Incident[]): string[] {
  return [...new Set(incidents.map((incident) => `${startOf(incident)} ${rowsOf(incident)}`))].sort();
}

describe('a loop of deletes that goes over borders of files', () => {
  it('is as large, and begins where it would if the log were one file', () => {
    fc.assert(
      fc.property(steps, (log) => {
        const whole = loopsIn(joinSeries(cut(log, false)));
        const scans = cut(log, true);
        const joined = joinSeries(scans);
        expect(whole).toEqual(expect.arrayContaining(loopsIn(joined)));
        // Missing may only be one of which no file has a hundred rows.
        const shown = new Set(joined.map(startOf));
        const missing = joinSeries(cut(log, false)).filter(({ start }) => !shown.has(start));
        for (const { rows } of missing) expect(rows.deleted).toBeLessThan(100 * scans.length);
        if (scans.length === 1) expect(loopsIn(joined)).toEqual(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('is the same in a catalog, whatever file was read first', () => {
    const order = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(steps, order, (log, picks) => {
        const scans = cut(log, true);
        const digests = inMemoryLog(scans.map(() => [{ at: 0 }])).segments;
        const updates = scans.map(({ incidents, loops, scanned }, index): SegmentUpdate => {
          const digest = digests[index]?.digest;
          if (digest === undefined) throw new Error('the log has no such file');
          const found = { incidents, settlements: [], loops };
          return { digest: { ...digest, groups: scanned.groups }, state: 'sealed', checkpoints: [], ...found };
        });
        using catalog = new Catalog(MEMORY, { kept: false });
        const left = [...updates];
        while (left.length > 0) {
          const [update] = left.splice(picks.next().value % left.length, 1);
          if (update !== undefined) catalog.record(SHOP, update);
        }
        expect(catalog.incidents({ all: true }).toReversed()).toEqual(joinSeries(scans));
      }),
      { numRuns: 60 },
    );
  });
});
