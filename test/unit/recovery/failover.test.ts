import { describe, expect, it } from 'vitest';
import { formatCoordinates } from '../../../src/binlog/coordinates.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import { isLastgoodError } from '../../../src/platform/errors.ts';
import { findWay } from '../../../src/recovery/crossing.ts';
import { locate, type Located } from '../../../src/recovery/locate.ts';
import type { Target } from '../../../src/recovery/plan.ts';
import { parsePlace } from '../../../src/recovery/target.ts';
import { anIncident, inMemoryLog, type InMemoryLog } from '../../support/in-memory-log.ts';
import { lineageTree, placeAfter, type LineageTree } from '../../support/lineage-tree.ts';

/**
 * shop-1 wrote 0-1-1 to 0-1-5, then shop-2 took over and wrote 0-2-6 to 0-2-8. shop-1 still wrote 0-1-6 and 0-1-7, which nobody else has;
 * the first file of shop-2 has 0-1-4 and 0-1-5 too. All groups have 100 bytes, the first of a file is at 256.
 */
function failover(): LineageTree {
  return lineageTree([
    { domains: [0, 0, 0, 0, 0], flushes: [3], overlap: 0, stranded: 2 },
    { domains: [0, 0, 0], flushes: [1], overlap: 2, stranded: 0 },
  ]);
}

async function find(
  views: readonly InMemoryLog[],
  target: Target,
  incidents: readonly Incident[] = [],
): Promise<Located> {
  const incident = (id: string): Incident | null => incidents.find((candidate) => candidate.id === id) ?? null;
  return await locate({ views, backups: [], incident, currentAt: () => Promise.resolve(null) }, target);
}

function changed(tree: LineageTree, change: Partial<InMemoryLog['lineage']>): InMemoryLog[] {
  return tree.views.map((view) =>
    view.lineage.id === 'shop-2' ? { ...view, lineage: { ...view.lineage, ...change } } : view,
  );
}

const END = { file: 'binlog.000002', position: 456 };

describe('a target in two lineages', () => {
  it("is found where its history has it: what the new primary wrote as a replica is in the old one's log", async () => {
    const { resolved } = await find(failover().views, { kind: 'before-gtid', gtid: '0-1-5' });
    expect(resolved).toMatchObject({ lineage: 'shop-1', file: 'binlog.000002', position: 356, gtid: '0-1-4' });
  });

  it('is the same place whether it is named in the one log or in the other', async () => {
    const { views } = failover();
    const inOld = await find(views, { kind: 'before-coordinates', coordinates: 'shop-1/binlog.000002:356' });
    const inNew = await find(views, { kind: 'before-coordinates', coordinates: 'shop-2/binlog.000001:356' });
    expect(inNew.resolved).toEqual(inOld.resolved);
    const [drop] = views[0]?.groups[0]?.slice(1) ?? [];
    if (drop === undefined) throw new Error('shop-2 has no such group');
    const echo = anIncident(drop, { file: 'binlog.000001', lineage: 'shop-2' });
    const byIncident = await find(views, { kind: 'before-incident', incident: echo.id }, [echo]);
    expect(byIncident.resolved).toEqual(inOld.resolved);
  });

  it('is at the first write of the new primary when it is after the last one of the old', async () => {
    const { views } = failover();
    const { resolved } = await find(views, { kind: 'after-gtid', gtid: '0-1-5' });
    expect(resolved).toMatchObject({ lineage: 'shop-2', file: 'binlog.000001', position: 456, gtid: '0-1-5' });
    expect(resolved).toEqual((await find(views, { kind: 'before-gtid', gtid: '0-2-6' })).resolved);
  });

  it("knows the last group before the new primary's first, also when its own files begin with that one", async () => {
    const { views } = lineageTree([
      { domains: [0, 0], flushes: [], overlap: 0, stranded: 0 },
      { domains: [0], flushes: [], overlap: 0, stranded: 0 },
    ]);
    const { resolved } = await find(views, { kind: 'before-gtid', gtid: '0-2-3' });
    expect(resolved).toMatchObject({ lineage: 'shop-2', gtid: '0-1-2', gtidState: '0-1-2' });
    expect(resolved.between).toBe('between 0-1-2 (2026-11-22T10:00:01Z) and 0-2-3 (2026-11-22T10:00:02Z)');
  });

  it('stays with the old primary when it names what reached only that one, and says so', async () => {
    const { views } = failover();
    const targets: Target[] = [
      { kind: 'before-gtid', gtid: '0-1-7' },
      { kind: 'before-coordinates', coordinates: 'shop-1/binlog.000002:556' },
    ];
    for (const target of targets) {
      const { resolved, warnings } = await find(views, target);
      expect(resolved).toMatchObject({ lineage: 'shop-1', file: 'binlog.000002', position: 556, gtid: '0-1-6' });
      expect(warnings).toEqual([
        'the target is behind binlog.000002:456 of lineage shop-1, where shop-2 took over: it holds writes that reached only the old primary, and none of the new one',
      ]);
    }
  });

  it('is in the old one while the archive of the new one has not come to the hand-over', async () => {
    const { views } = failover();
    const [young, old] = views;
    if (young === undefined || old === undefined) throw new Error('two lineages are needed');
    const segments = young.segments.slice(0, 1).map((segment) => ({
      ...segment,
      digest: { ...segment.digest, indexedTo: 356 },
    }));
    const { resolved } = await find([{ ...young, segments }, old], { kind: 'latest' });
    expect(resolved.lineage).toBe('shop-1');
  });
});

describe('coordinates with a lineage', () => {
  it('are read with and without it', () => {
    expect(parsePlace('shop-1/binlog.000002:356')).toEqual({ lineage: 'shop-1', file: 'binlog.000002', position: 356 });
    expect(parsePlace('binlog.000002:356')).toEqual({ lineage: null, file: 'binlog.000002', position: 356 });
    for (const text of ['/binlog.000002:356', 'shop-1/', 'shop-1/binlog.000002'])
      expect(() => parsePlace(text)).toThrow('cannot read coordinates');
  });

  it('are refused for a lineage that is not archived, and for a file that it does not have', async () => {
    const { views } = failover();
    const at = (coordinates: string): Promise<Located> => find(views, { kind: 'before-coordinates', coordinates });
    await expect(at('shop-9/binlog.000001:256')).rejects.toThrow(
      'lineage shop-9 is not in the archive: it has shop-2, shop-1',
    );
    await expect(at('shop-1/binlog.000009:256')).rejects.toThrow(
      'binlog.000009 is not in the archive: it has binlog.000001 to binlog.000002',
    );
  });
});

describe('the way back from a cut', () => {
  it('crosses a hand-over that both logs confirm, and counts what lies before it in both', async () => {
    const { views } = failover();
    const [young] = views;
    if (young === undefined) throw new Error('a lineage is needed');
    const { legs, broken } = await findWay(views, young, END);
    expect(broken).toBeNull();
    expect(legs.map(({ lineage, crossing }) => ({ lineage, crossing }))).toEqual([
      { lineage: 'shop-1', crossing: null },
      {
        lineage: 'shop-2',
        crossing: {
          leave: { file: 'binlog.000002', position: 456, groupsBefore: 2 },
          enter: { file: 'binlog.000001', position: 456, groupsBefore: 2 },
          gtidState: '0-1-5',
          stranded: 2,
        },
      },
    ]);
  });

  it.each<[string, (tree: LineageTree) => InMemoryLog[], string]>([
    [
      'a history that was not continued',
      (tree) => changed(tree, { handOver: null }),
      'lineage shop-2 does not continue shop-1',
    ],
    [
      'a parent that is not archived',
      ({ views }) => views.slice(0, 1),
      'lineage shop-1, which shop-2 continues, is not in the archive',
    ],
    [
      'other GTIDs in the parent',
      (tree) => handedOver(tree, { parent: placeAfter(oldOf(tree), 4) }),
      'the hand-over from shop-1 to shop-2 does not hold: at binlog.000002:356 of shop-1 the archive has GTID state 0-1-4, recorded is 0-1-5',
    ],
    [
      'other GTIDs in the child',
      (tree) => handedOver(tree, { child: { file: 'binlog.000001', position: 556 } }),
      'the hand-over from shop-1 to shop-2 does not hold: at binlog.000001:556 of shop-2 the archive has GTID state 0-2-6, recorded is 0-1-5',
    ],
    [
      'a place inside a group',
      (tree) => handedOver(tree, { parent: { file: 'binlog.000002', position: 400 } }),
      'the hand-over from shop-1 to shop-2 does not hold: binlog.000002:400 of shop-1 is inside a transaction group (356 to 456)',
    ],
    [
      'a place that is not archived',
      (tree) => handedOver(tree, { parent: { file: 'binlog.000007', position: 400 } }),
      'the hand-over from shop-1 to shop-2 does not hold: binlog.000007:400 is not in the archive of lineage shop-1',
    ],
  ])('ends at %s', async (_, change, why) => {
    const views = change(failover());
    const [young] = views;
    if (young === undefined) throw new Error('a lineage is needed');
    const { legs, broken } = await findWay(views, young, END);
    expect(legs.map(({ lineage }) => lineage)).toEqual(['shop-2']);
    expect(broken).toEqual({ lineage: 'shop-2', parent: 'shop-1', why });
  });

  it('crosses by GTID sets of MySQL', async () => {
    const [old, young] = ['3e11fa47-71ca-11e1-9e33-c80aa9429562', '4e11fa47-71ca-11e1-9e33-c80aa9429562'];
    const first = inMemoryLog([[1, 2, 3].map((n) => ({ gtid: `${old}:${n}`, at: n }))], {
      flavor: 'mysql',
      id: 'shop-1',
    });
    const second = inMemoryLog([[`${old}:2`, `${young}:1`].map((gtid, at) => ({ gtid, at }))], {
      ...{ flavor: 'mysql' as const, id: 'shop-2', gtidStart: `${old}:1` },
    });
    const place = (position: number) => ({ file: 'binlog.000001', position });
    const handOver = { gtidState: `${old}:1-2`, parent: place(456), child: place(356), stranded: 1 };
    const tip = { ...second, lineage: { ...second.lineage, parent: 'shop-1', handOver } };
    const { legs, broken } = await findWay([tip, first], tip, place(456));
    expect(broken).toBeNull();
    expect(legs.at(-1)?.crossing).toMatchObject({ leave: { groupsBefore: 2 }, enter: { groupsBefore: 1 } });
    const { resolved } = await find([tip, first], { kind: 'before-gtid', gtid: `${old}:2` });
    expect(resolved).toMatchObject({ lineage: 'shop-1', position: 356 });
  });

  it('does not take a file that cannot be read for a hand-over that does not hold', async () => {
    const { views } = failover();
    const [young, old] = views;
    if (young === undefined || old === undefined) throw new Error('two lineages are needed');
    const unreadable = { ...old, readGroups: () => Promise.reject(new Error('disk on fire')) };
    await expect(findWay([young, unreadable], young, END)).rejects.toSatisfy(
      (error) => !isLastgoodError(error) && (error as Error).message === 'disk on fire',
    );
  });
});

function oldOf({ views }: LineageTree): InMemoryLog {
  const old = views.at(-1);
  if (old === undefined) throw new Error('a lineage is needed');
  return old;
}

function handedOver(tree: LineageTree, change: object): InMemoryLog[] {
  const { handOver } = tree.views[0]?.lineage ?? {};
  if (handOver === null || handOver === undefined) throw new Error(`no hand-over to ${formatCoordinates(END)}`);
  return changed(tree, { handOver: { ...handOver, ...change } });
}
