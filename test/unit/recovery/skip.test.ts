import { describe, expect, it } from 'vitest';
import { formatGtid } from '../../../src/binlog/gtid-text.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import { findWay } from '../../../src/recovery/crossing.ts';
import { findSkip } from '../../../src/recovery/find-skip.ts';
import type { LineageView } from '../../../src/recovery/lineage-view.ts';
import { locate } from '../../../src/recovery/locate.ts';
import { planRestore, type BarePlan, type PlanInput } from '../../../src/recovery/planner.ts';
import { refuseHarmless, type Skip } from '../../../src/recovery/skip.ts';
import { aBackup, anIncident, inMemoryLog, TEN_O_CLOCK, type InMemoryLog } from '../../support/in-memory-log.ts';
import { lineageTree } from '../../support/lineage-tree.ts';

/** The incident that the group with this GTID is in a log. */
function incidentAt(log: InMemoryLog, gtid: string, change: Partial<Incident> = {}): Incident {
  for (const [index, { digest }] of log.segments.entries()) {
    const group = log.groups[index]?.find(
      (candidate) => candidate.gtid !== null && formatGtid(candidate.gtid) === gtid,
    );
    if (group !== undefined) return anIncident(group, { file: digest.file, lineage: log.lineage.id, gtid, ...change });
  }
  throw new Error(`the log has no ${gtid}`);
}

/** Of the whole history, from a backup at the start of the oldest log. */
async function planWithout(
  views: readonly InMemoryLog[],
  skipped: readonly Incident[],
  change: Partial<PlanInput> = {},
): Promise<BarePlan> {
  const source = { views, backups: [], incident: () => null, currentAt: () => Promise.resolve(null) };
  const { resolved, view, groupsBefore, last } = await locate(source, { kind: 'latest' });
  const oldest = views.at(-1);
  const skips = [];
  for (const incident of skipped) skips.push(await findSkip({ view: viewOf(views, incident), segments: [] }, incident));
  const record = aBackup('binlog.000001:256', { lineage: oldest?.lineage.id ?? null });
  return planRestore({
    target: { kind: 'latest' },
    ...{ resolved, groupsBefore, last, skips },
    backups: [{ record, why: null, warnings: [], groupsBefore: 0 }],
    way: await findWay(views, view, resolved),
    ...{ incidents: [], losses: [], rehearsals: [], warnings: [], now: TEN_O_CLOCK },
    ...change,
  });
}

function viewOf(views: readonly InMemoryLog[], { lineage }: Incident): LineageView {
  const view = views.find((candidate) => candidate.lineage.id === lineage);
  if (view === undefined) throw new Error(`there is no lineage ${lineage ?? ''}`);
  return view;
}

describe('a skip over a failover', () => {
  /** shop-1 wrote 0-1-1 to 0-1-5, and 0-1-6 that nobody else has; shop-2's log begins with 0-1-4 and 0-1-5 and goes on with 0-2-6. */
  const { views } = lineageTree([
    { domains: [0, 0, 0, 0, 0], flushes: [], overlap: 0, stranded: 1 },
    { domains: [0], flushes: [], overlap: 2, stranded: 0 },
  ]);
  const [young, old] = views as [InMemoryLog, InMemoryLog];

  it("is cut out of the old primary's log, and the state is the one behind it all the same", async () => {
    const plan = await planWithout(views, [incidentAt(old, '0-1-2')]);
    expect(plan.skippedSegments).toMatchObject([{ lineage: 'shop-1', from: 356, to: 456 }]);
    expect(plan).toMatchObject({ groups: 5, target: { resolved: { gtidState: '0-2-6', gtid: '0-2-6' } } });
  });

  it('that is the last group leaves the state of the group before it, which is of the old primary', async () => {
    const plan = await planWithout(views, [incidentAt(young, '0-2-6')]);
    expect(plan).toMatchObject({ groups: 5, target: { resolved: { gtidState: '0-1-5', gtid: '0-1-5' } } });
  });

  it('is refused for a group that reached only the old primary', async () => {
    const plan = planWithout(views, [incidentAt(old, '0-1-6')]);
    await expect(plan).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: expect.stringMatching(
        / cannot be left out: it reached only the old primary, so no target behind the failover has it$/,
      ) as unknown,
    });
  });

  it("is refused in the new primary's copy of the old log, and names the incident there", async () => {
    const [copy, original] = [incidentAt(young, '0-1-5'), incidentAt(old, '0-1-5')];
    await expect(planWithout(views, [copy], { incidents: [copy, original] })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: expect.stringMatching(/: the way to the target has it in the log of the lineage before$/) as unknown,
      hint: `The same transaction is incident ${original.id} there: use --skip ${original.id}.`,
    });
  });
});

describe('a skip of several groups', () => {
  const log = inMemoryLog([
    [1, 2].map((n) => ({ gtid: `0-1-${n}`, at: n })),
    [3, 4].map((n) => ({ gtid: `0-1-${n}`, at: n })),
  ]);

  it('needs a backup from before the first of them, which may be in a file before', async () => {
    const [first, second] = [incidentAt(log, '0-1-2'), incidentAt(log, '0-1-3')];
    const groupOf = async (incident: Incident): Promise<Skip['groups']> =>
      (await findSkip({ view: log, segments: [] }, incident)).groups;
    const skip = { incident: second, groups: [...(await groupOf(first)), ...(await groupOf(second))] };
    const between = [aBackup('binlog.000002:4'), aBackup('binlog.000001:256')].map((record) => {
      return { record, why: null, warnings: [], groupsBefore: 0 };
    });

    const plan = await planWithout([log], [], { skips: [skip], backups: between });

    expect(plan.backup.id).toBe('b-binlog.000001:256');
    expect(plan).toMatchObject({ groups: 2, candidates: [{ usable: false }, { usable: true }] });
    expect(plan.candidates[0]?.why).toMatch(/^it already holds some of what incident .* did, which is to be left out$/);
  });
});

describe('what is left out', () => {
  const log = inMemoryLog([[1, 2, 3].map((n) => ({ gtid: `0-1-${n}`, at: n }))]);

  it('may be what a source says of itself between groups: then a plan goes on over that loss, and says so', async () => {
    const gap = {
      kind: 'source-incident',
      lineage: 'shop-1a2b',
      from: 'binlog.000001:100',
      to: 'binlog.000001:150',
    } as const;
    const losses = [{ ...gap, why: 'LOST_EVENTS', noticedAt: '2026-11-22T10:00:00Z' }];
    const at4 = { ...aBackup('binlog.000001:4'), id: 'b1' };
    const backups = [{ record: at4, why: null, warnings: [], groupsBefore: 0 }];
    await expect(planWithout([log], [], { backups, losses })).rejects.toMatchObject({ code: 'ARCHIVE_GAP' });
    const note = anIncident(
      { start: 100, end: 150, time: TEN_O_CLOCK },
      { file: 'binlog.000001', kind: 'source-incident' },
    );
    const plan = await planWithout([log], [note], { backups, losses });
    expect(plan.segments.map(({ from, to }) => [from, to])).toEqual([
      [4, 100],
      [150, 556],
    ]);
    expect(plan.groups).toBe(3);
    expect(plan.warnings).toContainEqual(
      expect.stringMatching(/^what the source lost at .* is in no log: the restore lacks it$/),
    );
  });

  it('is told to be uncertain when the log does not say whether it took effect', async () => {
    const { warnings } = await planWithout([log], [incidentAt(log, '0-1-2', { state: 'unknown' })]);
    expect(warnings).toContainEqual(
      expect.stringMatching(/^whether .* took effect is not in the log: it is left out all the same$/),
    );
  });

  it('must be a group of the archive', async () => {
    const wrong = anIncident({ start: 300, end: 400, time: TEN_O_CLOCK }, { file: 'binlog.000001' });
    await expect(planWithout([log], [wrong])).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: `the archive has no group at binlog.000001:300, where incident ${wrong.id} should be`,
    });
  });

  it('is never a second half alone', async () => {
    const ending: LineageView = {
      ...log,
      readGroups: async (file, from, visit) => {
        const phase = { step: 'commit', key: 'ALTER 0-9' } as const;
        await log.readGroups(file, from, (group, before) => visit({ ...group, phase }, before));
      },
    };
    const found = findSkip({ view: ending, segments: [] }, incidentAt(log, '0-1-2'));
    await expect(found).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: expect.stringContaining(
        'cannot be left out: it ends what an earlier group began (ALTER 0-9)',
      ) as unknown,
    });
  });

  it.each([
    { state: 'rolled-back', why: 'was rolled back: there is nothing to leave out' },
    { state: 'no-op', why: 'did nothing, its object did not exist: there is nothing to leave out' },
  ] as const)('is nothing that is $state', ({ state, why }) => {
    const incident = incidentAt(log, '0-1-2', { state });
    const refuse = (): void => {
      refuseHarmless(incident, { kind: 'latest' });
    };
    expect(refuse).toThrow(`incident ${incident.id} (drop-database shop at ${incident.time}) ${why}`);
  });
});
