import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareCoordinates, type Coordinates } from '../../src/binlog/coordinates.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import type { Way } from '../../src/recovery/crossing.ts';
import { locate } from '../../src/recovery/locate.ts';
import { planRestore, type PlanInput } from '../../src/recovery/planner.ts';
import { aBackup, fileName, inMemoryLog, TEN_O_CLOCK, type InMemoryLog } from '../support/in-memory-log.ts';

/** Any history of up to 60 groups, cut into any files, some of them empty, over the step from six to seven digits too. */
const histories = fc
  .record({
    sizes: fc.array(fc.integer({ min: 30, max: 400 }), { minLength: 1, maxLength: 60 }),
    files: fc.integer({ min: 1, max: 6 }),
    firstNumber: fc.constantFrom(1, 42, 999_998),
    spread: fc.array(fc.nat(5), { minLength: 60, maxLength: 60 }),
  })
  .map(({ sizes, files, firstNumber, spread }) => {
    const groups = sizes.map((bytes, n) => ({ gtid: `0-1-${n + 1}`, at: n, bytes }));
    const borders = [...spread.slice(0, files - 1).map((n) => (n * groups.length) / 5), groups.length].sort(
      (a, b) => a - b,
    );
    const cut = borders.map((border, n) => groups.slice(Math.floor(borders[n - 1] ?? 0), Math.floor(border)));
    return inMemoryLog(cut, { firstNumber });
  });

/** Every place where a cut may be, in the order of the log, with the number of groups before it. */
function boundaries(log: InMemoryLog): (Coordinates & { readonly groups: number })[] {
  let groups = 0;
  return log.segments.flatMap(({ digest: { file } }, index) => {
    const inFile = log.groups[index] ?? [];
    const start = { file, position: 4, groups };
    const ends = inFile.map(({ end }) => ({ file, position: end, groups: (groups += 1) }));
    return [start, ...ends];
  });
}

const cases = fc.record({ log: histories, a: fc.nat(), b: fc.nat() }).map(({ log, a, b }) => {
  const places = boundaries(log);
  const [from = 0, to = 0] = [a % places.length, b % places.length].sort((x, y) => x - y);
  return { log, places, from: places[from], to: places[to] };
});

function groupsBeforeIn(log: InMemoryLog, { file, position }: Coordinates): number {
  const index = log.segments.findIndex(({ digest }) => digest.file === file);
  return (log.groups[index] ?? []).filter(({ end }) => end <= position).length;
}

function wayThrough(log: InMemoryLog, segments: InMemoryLog['segments']): Way {
  return { legs: [{ lineage: log.lineage.id, segments, crossing: null }], broken: null };
}

function planInput(log: InMemoryLog, from: Coordinates, to: Coordinates): PlanInput {
  const coordinates = `${from.file}:${from.position}`;
  return {
    target: { kind: 'before-coordinates', coordinates: `${to.file}:${to.position}` },
    resolved: { ...to, lineage: log.lineage.id, gtid: null, time: null, between: '', gtidState: null },
    groupsBefore: groupsBeforeIn(log, to),
    backups: [{ record: aBackup(coordinates), why: null, warnings: [], groupsBefore: groupsBeforeIn(log, from) }],
    way: wayThrough(log, log.segments),
    incidents: [],
    losses: [],
    rehearsals: [],
    skips: [],
    last: null,
    warnings: [],
    now: TEN_O_CLOCK,
  };
}

describe('a plan', () => {
  it('joins end to end to exactly the groups between backup and cut', () => {
    fc.assert(
      fc.property(cases, ({ log, from, to }) => {
        if (from === undefined || to === undefined) throw new Error('a history has at least one boundary');
        const plan = planRestore(planInput(log, from, to));
        const replayed = log.segments.flatMap(({ digest: { file } }, index) => {
          const ranges = plan.segments.filter((range) => range.file === file);
          return (log.groups[index] ?? []).filter(({ start, end }) =>
            ranges.some((r) => r.from <= start && end <= r.to),
          );
        });
        expect(replayed).toEqual(log.groups.flat().slice(from.groups, to.groups));
        expect(plan.groups).toBe(to.groups - from.groups);
        expect(plan.bytes).toBe(plan.segments.reduce((sum, range) => sum + range.to - range.from, 0));
        expectUnbroken(log, plan.segments, { from, to });
      }),
    );
  });

  it('refuses any hole and names the missing file', () => {
    fc.assert(
      fc.property(cases, fc.nat(), ({ log, from, to }, which) => {
        if (from === undefined || to === undefined) throw new Error('a history has at least one boundary');
        const needed = log.segments.filter(({ digest: { file } }) => {
          const place = { file, position: 0 };
          return compareCoordinates(place, { ...from, position: 0 }) >= 0 && compareCoordinates(place, to) <= 0;
        });
        const lost = needed[which % needed.length]?.digest.file ?? '';
        const segments = log.segments.filter(({ digest }) => digest.file !== lost);
        let caught: unknown;
        try {
          planRestore({ ...planInput(log, from, to), way: wayThrough(log, segments) });
        } catch (error) {
          caught = error;
        }
        expect(isLastgoodError(caught, 'ARCHIVE_GAP')).toBe(true);
        expect(caught).toHaveProperty('details.missing', lost);
      }),
    );
  });
});

/** Each range begins where the one before ended: in the same file, or at the start of the next. */
function expectUnbroken(
  log: InMemoryLog,
  ranges: readonly { file: string; from: number; to: number }[],
  { from, to }: { from: Coordinates; to: Coordinates },
): void {
  const endOf = (file: string): number =>
    log.segments.find(({ digest }) => digest.file === file)?.digest.indexedTo ?? 0;
  const canonical = ({ file, position }: Coordinates): Coordinates => {
    const next = fileName(Number(file.slice(file.lastIndexOf('.') + 1)) + 1);
    const atEnd = position === endOf(file) && log.segments.some(({ digest }) => digest.file === next);
    return atEnd ? canonical({ file: next, position: 4 }) : { file, position };
  };
  let reached = canonical(from);
  for (const range of ranges) {
    expect({ file: range.file, position: range.from }).toEqual(reached);
    reached = canonical({ file: range.file, position: range.to });
  }
  expect(reached).toEqual(canonical(to));
}

describe('locating', () => {
  it('finds any group by its GTID, by its coordinates and by the time before it, at one and the same place', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.nat(), async (log, which) => {
        const all = log.groups.flatMap((groups, index) => {
          return groups.map((group) => ({ group, file: log.segments[index]?.digest.file ?? '' }));
        });
        const index = which % all.length;
        const { group, file } = all[index] ?? { group: undefined, file: '' };
        if (group === undefined) throw new Error('a history has at least one group');
        const source = { views: [log], backups: [], incident: () => null, currentAt: () => Promise.resolve(null) };
        const byGtid = await locate(source, { kind: 'before-gtid', gtid: `0-1-${index + 1}` });
        const coordinates = `${file}:${group.start}`;
        const byPlace = await locate(source, { kind: 'before-coordinates', coordinates });
        expect(byGtid).toEqual(byPlace);
        expect(byGtid.groupsBefore).toBe(groupsBeforeIn(log, { file, position: group.start }));
        expect(byGtid.resolved.gtidState).toBe(index === 0 ? '' : `0-1-${index}`);
        if (index === 0) return;
        const time = new Date((group.time - 1) * 1000).toISOString();
        expect((await locate(source, { kind: 'at', time })).resolved).toEqual(byGtid.resolved);
      }),
    );
  });
});
