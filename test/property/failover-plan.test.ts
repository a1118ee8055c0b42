import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../src/archive/backup-record.ts';
import { formatCoordinates } from '../../src/binlog/coordinates.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import type { ExaminedBackup } from '../../src/recovery/choose-backup.ts';
import { findWay } from '../../src/recovery/crossing.ts';
import type { LineageView } from '../../src/recovery/lineage-view.ts';
import { locate, type LocateSource } from '../../src/recovery/locate.ts';
import type { Target } from '../../src/recovery/plan.ts';
import { planRestore, type BarePlan } from '../../src/recovery/planner.ts';
import { formatGtid } from '../../src/binlog/gtid-text.ts';
import { formatSeconds } from '../../src/platform/time.ts';
import { aBackup, TEN_O_CLOCK, type InMemoryLog } from '../support/in-memory-log.ts';
import { lineageTree, placeAfter, type LineageTree } from '../support/lineage-tree.ts';

/** One to four primaries after one another, in up to two domains, with files cut anywhere, overlaps and stranded groups. */
const trees = fc
  .array(
    fc.record({
      domains: fc.array(fc.constantFrom(0, 0, 1), { minLength: 1, maxLength: 8 }),
      flushes: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
      overlap: fc.nat(6),
      stranded: fc.nat(3),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((reigns) =>
    lineageTree(reigns.map((reign, n) => ({ ...reign, stranded: n === reigns.length - 1 ? 0 : reign.stranded }))),
  );

/** A backup of one of the primaries, taken after some of the groups in its own log; -1 of the history when it holds stranded ones. */
interface TakenBackup {
  readonly record: BackupRecord;
  readonly holds: number;
  readonly lineage: number;
}

function backupIn(tree: LineageTree, lineage: number, which: number): TakenBackup {
  const log = logOf(tree, lineage);
  const gtids = gtidsOf(log);
  const groups = which % (gtids.length + 1);
  const last = gtids[groups - 1];
  const isStranded = last !== undefined && tree.stranded.has(last);
  const overlap = gtids.findIndex((gtid) => gtid === tree.history[tree.handOvers[lineage] ?? 0]);
  const start = (tree.handOvers[lineage] ?? 0) - Math.max(overlap, 0);
  const coordinates = formatCoordinates(placeAfter(log, groups));
  return {
    record: aBackup(coordinates, { lineage: log.lineage.id }),
    holds: isStranded ? -1 : start + groups,
    lineage,
  };
}

function logOf({ views }: LineageTree, lineage: number): InMemoryLog {
  const log = views.toReversed()[lineage];
  if (log === undefined) throw new Error(`there is no lineage ${lineage}`);
  return log;
}

function gtidsOf(log: InMemoryLog): string[] {
  return log.groups.flat().map(({ gtid }) => (gtid === null ? '' : formatGtid(gtid)));
}

async function plan(views: readonly LineageView[], target: Target, record: BackupRecord): Promise<BarePlan> {
  const source: LocateSource = { views, backups: [], incident: () => null, currentAt: () => Promise.resolve(null) };
  const { resolved, view, groupsBefore, warnings } = await locate(source, target);
  const backups: ExaminedBackup[] = [{ record, why: null, warnings: [], groupsBefore: groupsBeforeIn(views, record) }];
  const way = await findWay(views, view, resolved);
  const rest = { incidents: [], losses: [], rehearsals: [], skips: [], last: null, warnings, now: TEN_O_CLOCK };
  return planRestore({ target, resolved, groupsBefore, backups, way, ...rest });
}

function groupsBeforeIn(views: readonly LineageView[], { primary }: BackupRecord): number {
  const log = views.find(({ lineage }) => lineage.id === primary.lineage) as InMemoryLog;
  const [file = '', position = ''] = primary.coordinates.split(':');
  const index = log.segments.findIndex(({ digest }) => digest.file === file);
  return (log.groups[index] ?? []).filter(({ end }) => end <= Number(position)).length;
}

/** The GTIDs that a plan replays, in its order, read from the lineages' groups. */
function replayedBy({ views }: LineageTree, { segments }: BarePlan): string[] {
  return segments.flatMap(({ lineage, file, from, to }) => {
    const log = views.find((view) => view.lineage.id === lineage);
    const index = log?.segments.findIndex(({ digest }) => digest.file === file) ?? -1;
    const groups = (log?.groups[index] ?? []).filter(({ start, end }) => from <= start && end <= to);
    return groups.map(({ gtid }) => (gtid === null ? '' : formatGtid(gtid)));
  });
}

const cases = fc
  .record({ tree: trees, of: fc.nat(), taken: fc.nat(), cut: fc.nat() })
  .map(({ tree, of, taken, cut }) => {
    const backup = backupIn(tree, of % tree.views.length, taken);
    return { tree, backup, cut: cut % tree.history.length };
  });

/** Where a lineage's own part of the history begins. */
function reignOf({ handOvers }: LineageTree, group: number): number {
  return handOvers.findLastIndex((first) => first <= group);
}

describe('a plan over failovers', () => {
  it('replays each group of the history once, and never one that reached only an old primary (peers 24: mariadb-operator #1815)', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ tree, backup, cut }) => {
        const target: Target = { kind: 'before-gtid', gtid: tree.history[cut] ?? '' };
        const isUsable = backup.holds >= 0 && backup.holds <= cut && backup.lineage <= reignOf(tree, cut);
        if (!isUsable) {
          await expect(plan(tree.views, target, backup.record)).rejects.toSatisfy(
            (error) =>
              isLastgoodError(error, 'BACKUP_MISSING') &&
              (backup.holds >= 0 ||
                backup.lineage >= reignOf(tree, cut) ||
                error.message.includes('only the old primary')),
          );
          return;
        }
        const made = await plan(tree.views, target, backup.record);
        expect(replayedBy(tree, made)).toEqual(tree.history.slice(backup.holds, cut));
        expect(made.groups).toBe(cut - backup.holds);
        expect(made.crossings).toHaveLength(reignOf(tree, cut) - backup.lineage);
        expect(made.warnings.filter((warning) => warning.includes('reached only the old primary'))).toHaveLength(
          made.crossings.filter(({ stranded }) => stranded > 0).length,
        );
      }),
    );
  });

  it('has one place for a group, in whichever of the logs that have it one names it', async () => {
    await fc.assert(
      fc.asyncProperty(trees, fc.nat(), fc.nat(), async (tree, of, which) => {
        const log = logOf(tree, of % tree.views.length);
        const named = log.groups.flatMap((groups, index) => {
          return groups.map((group) => ({ ...group, file: log.segments[index]?.digest.file ?? '' }));
        });
        const { file, start, gtid } = named[which % named.length] ?? { file: '', start: 0, gtid: null };
        const text = gtid === null ? '' : formatGtid(gtid);
        fc.pre(!tree.stranded.has(text));
        const source = { views: tree.views, backups: [], incident: () => null, currentAt: () => Promise.resolve(null) };
        const coordinates = `${log.lineage.id}/${file}:${start}`;
        const byPlace = await locate(source, { kind: 'before-coordinates', coordinates });
        const byGtid = await locate(source, { kind: 'before-gtid', gtid: text });
        expect(byPlace).toEqual(byGtid);
        const index = tree.history.indexOf(text);
        expect(byGtid.resolved.lineage).toBe(`shop-${reignOf(tree, index) + 1}`);
        expect(byGtid.resolved.gtid).toBe(tree.history[index - 1] ?? null);
      }),
    );
  });

  it('ends --latest and --at where the history ends, whatever an old primary still wrote', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ tree, backup, cut }) => {
        fc.pre(backup.holds >= 0 && backup.holds <= cut && backup.lineage <= reignOf(tree, cut));
        const latest = await plan(tree.views, { kind: 'latest' }, backup.record);
        expect(replayedBy(tree, latest)).toEqual(tree.history.slice(backup.holds));
        const at = await plan(tree.views, { kind: 'at', time: formatSeconds(TEN_O_CLOCK + cut) }, backup.record);
        expect(replayedBy(tree, at)).toEqual(tree.history.slice(backup.holds, cut + 1));
      }),
    );
  });

  it('refuses to cross where the hand-over is not recorded, or not true, and names both lineages', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.boolean(), async ({ tree, backup, cut }, isRecorded) => {
        const reign = reignOf(tree, cut);
        fc.pre(backup.holds >= 0 && backup.holds <= cut && backup.lineage < reign);
        const views = tree.views.map((view): InMemoryLog => {
          const { handOver, id } = view.lineage;
          if (id !== `shop-${reign + 1}` || handOver === null) return view;
          const damaged = isRecorded ? { ...handOver, gtidState: '0-9-9' } : null;
          return { ...view, lineage: { ...view.lineage, handOver: damaged } };
        });
        const target: Target = { kind: 'before-gtid', gtid: tree.history[cut] ?? '' };
        await expect(plan(views, target, backup.record)).rejects.toSatisfy(
          (error) =>
            isLastgoodError(error, 'ARCHIVE_GAP') &&
            error.message.includes(`shop-${reign}`) &&
            error.message.includes(`shop-${reign + 1}`),
        );
      }),
    );
  });
});
