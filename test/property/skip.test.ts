import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatCoordinates, type Coordinates } from '../../src/binlog/coordinates.ts';
import { formatGtid, parseGtidState } from '../../src/binlog/gtid-text.ts';
import type { Flavor } from '../../src/binlog/gtid.ts';
import type { Group } from '../../src/binlog/group.ts';
import type { Incident } from '../../src/incident/incident.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import { findSkip } from '../../src/recovery/find-skip.ts';
import { locate } from '../../src/recovery/locate.ts';
import { planRestore, type BarePlan } from '../../src/recovery/planner.ts';
import { aBackup, anIncident, inMemoryLog, TEN_O_CLOCK, type InMemoryLog } from '../support/in-memory-log.ts';

/** A group of the log, with its file and how many of the file's groups are before it. */
interface Placed extends Group {
  readonly file: string;
  readonly groupsBefore: number;
}

interface Case {
  readonly log: InMemoryLog;
  readonly all: readonly Placed[];
  /** The backup holds so many groups, and so many are before the target. */
  readonly from: number;
  readonly to: number;
  /** Indexes in `all`: an incident's group, and the one that decides about it. */
  readonly pairs: readonly { readonly first: number; readonly second: number | null }[];
}

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

/** Up to 40 groups of up to three domains (MariaDB) or with holes (MySQL), in any files, and any of them to be left out. */
const cases = fc
  .record({
    flavor: fc.constantFrom<Flavor>('mariadb', 'mysql'),
    groups: fc.array(fc.record({ bytes: fc.integer({ min: 30, max: 400 }), domain: fc.nat(2), newFile: fc.nat(5) }), {
      minLength: 2,
      maxLength: 40,
    }),
    a: fc.nat(),
    b: fc.nat(),
    skipped: fc.array(fc.record({ first: fc.nat(), more: fc.option(fc.nat()) }), { minLength: 1, maxLength: 8 }),
  })
  .map(({ flavor, groups, a, b, skipped }): Case => {
    const files: { gtid: string; at: number; bytes: number }[][] = [[]];
    for (const [n, { bytes, domain, newFile }] of groups.entries()) {
      const gtid = flavor === 'mariadb' ? `${domain}-1-${n + 1}` : `${UUID}:${n + 1 + domain * 1000}`;
      if (newFile === 0) files.push([]);
      files.at(-1)?.push({ gtid, at: n, bytes });
    }
    const log = inMemoryLog(files, { flavor, checkpointBytes: 400 });
    const all = log.segments.flatMap(({ digest: { file } }, index) =>
      (log.groups[index] ?? []).map((group, groupsBefore) => ({ ...group, file, groupsBefore })),
    );
    const [x, y] = [a % all.length, b % all.length];
    const [from, to] = [Math.min(x, y), Math.max(x, y) + 1];
    const pairs = skipped.map(({ first, more }) => {
      const index = from + (first % (to - from));
      const behind = all.length - index - 1;
      return { first: index, second: more === null || behind === 0 ? null : index + 1 + (more % behind) };
    });
    return { log, all, from, to, pairs };
  });

async function planOf({ log, all, from, to, pairs }: Case): Promise<BarePlan> {
  const source = { views: [log], backups: [], incident: () => null, currentAt: () => Promise.resolve(null) };
  const target = { kind: 'before-coordinates' as const, coordinates: formatCoordinates(placeBefore(all, to)) };
  const { resolved, groupsBefore, last } = await locate(source, target);
  const start = placeBefore(all, from);
  const record = { ...aBackup(formatCoordinates(start)), flavor: log.lineage.flavor };
  const skips = [];
  for (const pair of pairs) skips.push(await findSkip({ view: log, segments: [] }, incidentOf(all, pair)));
  return planRestore({
    ...{ target, resolved, groupsBefore, last, skips },
    backups: [{ record, why: null, warnings: [], groupsBefore: all[from]?.groupsBefore ?? 0 }],
    way: { legs: [{ lineage: log.lineage.id, segments: log.segments, crossing: null }], broken: null },
    ...{ incidents: [], losses: [], rehearsals: [], warnings: [], now: TEN_O_CLOCK },
  });
}

function placeBefore(all: readonly Placed[], index: number): Coordinates {
  const next = all[index];
  const last = all.at(-1);
  if (last === undefined) throw new Error('a log has at least one group');
  return next === undefined ? { file: last.file, position: last.end } : { file: next.file, position: next.start };
}

function incidentOf(all: readonly Placed[], { first, second }: Case['pairs'][number]): Incident {
  const [group, decides] = [all[first], all[second ?? -1]];
  if (group === undefined) throw new Error(`there is no group ${first}`);
  const { file, start, end } = decides ?? group;
  const settledBy = decides === undefined ? null : { file, start, end, gtid: null, time: '' };
  return anIncident(group, { file: group.file, settledBy });
}

describe('a plan with skips', () => {
  it('joins to exactly all groups but the skipped, and ends with the state of a server that never saw them', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const { log, all, from, to, pairs } = one;
        const plan = await planOf(one);
        const left = new Set(pairs.flatMap(({ first, second }) => (second === null ? [first] : [first, second])));
        const wanted = all.filter((_, index) => from <= index && index < to && !left.has(index));
        const touching = ({ file, start, end }: Placed): boolean =>
          plan.segments.some((range) => range.file === file && range.from < end && start < range.to);
        const within = ({ file, start, end }: Placed): boolean =>
          plan.segments.some((range) => range.file === file && range.from <= start && end <= range.to);
        expect(all.filter(within)).toEqual(wanted);
        expect(all.filter(touching)).toEqual(wanted);
        expect(plan.groups).toBe(wanted.length);
        const state = parseGtidState(log.lineage.flavor, '');
        for (const [index, { gtid }] of all.entries())
          if (gtid !== null && (index < from || wanted.some((group) => group.gtid === gtid))) state.add(gtid);
        expect(plan.target.resolved.gtidState).toBe(state.toString());
        const newest = all.findLast((_, index) => index < to && !(index >= from && left.has(index)))?.gtid ?? null;
        expect(plan.target.resolved.gtid).toBe(newest === null ? null : formatGtid(newest));
      }),
    );
  });

  it('keeps every byte that is not of a skipped group', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const plan = await planOf(one);
        const whole = await planOf({ ...one, pairs: [] });
        const parts = [...plan.segments, ...plan.skippedSegments];
        for (const { file, from, to } of whole.segments) {
          const inFile = parts.filter((part) => part.file === file).sort((a, b) => a.from - b.from);
          expect(inFile.at(0)?.from).toBe(from);
          expect(inFile.at(-1)?.to).toBe(to);
          expect(inFile.slice(1).map((part) => part.from)).toEqual(inFile.slice(0, -1).map((part) => part.to));
        }
        const bytes = plan.skippedSegments.reduce((sum, range) => sum + range.bytes, 0);
        expect(plan.bytes + bytes).toBe(whole.bytes);
      }),
    );
  });

  it('refuses an incident that the target leaves out anyway, or that the backup already holds', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.nat(), async (one, which) => {
        const index = which % one.all.length;
        const isInside = one.from <= index && index < one.to;
        fc.pre(!isInside);
        const refusal = planOf({ ...one, pairs: [{ first: index, second: null }] });
        const code = index >= one.to ? 'TARGET_UNREACHABLE' : 'BACKUP_MISSING';
        await expect(refusal).rejects.toSatisfy((error) => isLastgoodError(error, code));
      }),
    );
  });
});
