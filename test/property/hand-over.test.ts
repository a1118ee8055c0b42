import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findCommonPlace, type LogFile } from '../../src/archive/hand-over.ts';
import { strandedGroups } from '../../src/archive/stranded-groups.ts';
import type { Flavor } from '../../src/binlog/gtid.ts';
import { endOf, logOfGroups, type PlainGroup } from '../support/log-of-groups.ts';

const DOMAINS = 3;

/** Which domain each group is in, how a replica interleaved them, how many it got, and what both wrote on their own. */
const failovers = fc.record({
  domains: fc.array(fc.nat(DOMAINS - 1), { maxLength: 30 }),
  order: fc.array(fc.nat(DOMAINS - 1), { maxLength: 40 }),
  inOrder: fc.boolean(),
  lost: fc.nat(8),
  own: fc.array(fc.nat(DOMAINS - 1), { maxLength: 10 }),
  cuts: fc.array(fc.nat(40), { maxLength: 4 }),
  childCuts: fc.array(fc.nat(40), { maxLength: 4 }),
});

function gtid(flavor: Flavor, { domain, server, number }: Record<'domain' | 'server' | 'number', number>): PlainGroup {
  const uuid = `00000000-0000-0000-000${domain}-00000000000${server}`;
  return { gtid: flavor === 'mariadb' ? `${domain}-${server}-${number}` : `${uuid}:${number}`, time: number };
}

/** Numbers groups within their domains, going on from `counts`. */
function number(flavor: Flavor, domains: readonly number[], from: { server: number; counts: number[] }): PlainGroup[] {
  return domains.map((domain) => {
    const next = (from.counts[domain] ?? 0) + 1;
    from.counts[domain] = next;
    return gtid(flavor, { domain, server: from.server, number: next });
  });
}

/** The same groups, with the domains interleaved otherwise: a parallel applier keeps only each domain's own order. */
function interleave(groups: readonly PlainGroup[], domains: readonly number[], order: readonly number[]): PlainGroup[] {
  const queues = Array.from({ length: DOMAINS }, (_, domain) => groups.filter((_group, n) => domains[n] === domain));
  const first = order.flatMap((domain) => queues[domain]?.shift() ?? []);
  return [...first, ...queues.flat()];
}

function cut(groups: readonly PlainGroup[], at: readonly number[]): PlainGroup[][] {
  const borders = [0, ...at.map((n) => Math.min(n, groups.length)).sort((a, b) => a - b), groups.length];
  return borders.slice(1).map((border, n) => groups.slice(borders[n], border));
}

async function statesOf(files: readonly LogFile[]): Promise<string[]> {
  const states: string[] = [];
  for (const file of files) await file.boundaries(({ state }) => states.push(state.toString()));
  return states;
}

it.each(['mariadb', 'mysql'] as const)(
  'a hand-over is at the latest state that both %s logs had, and what never arrived is behind it',
  async (flavor) => {
    await fc.assert(
      fc.asyncProperty(failovers, async ({ domains, order, inOrder, lost, own, cuts, childCuts }) => {
        const all = number(flavor, domains, { server: 1, counts: [] });
        const applied = (inOrder ? all : interleave(all, domains, order)).slice(0, Math.max(0, all.length - lost));
        const counts = Array.from(
          { length: DOMAINS },
          (_, domain) => applied.filter((group) => domains[all.indexOf(group)] === domain).length,
        );
        const parentFiles = cut(all, cuts);
        const parent = logOfGroups(parentFiles, { flavor });
        const childGroups = [...applied, ...number(flavor, own, { server: 2, counts })];
        const child = logOfGroups(cut(childGroups, childCuts), { flavor });
        const there = new Set(await statesOf(child));
        const expected = (await statesOf(parent)).findLast((state) => state !== '' && there.has(state)) ?? null;
        const found = await findCommonPlace(parent, child, endOf(parentFiles, flavor));
        expect(found?.gtidState ?? null).toBe(expected);
        if (found === null) return;
        const arrived = new Set(childGroups.map((group) => group.gtid));
        const missing = all.filter((group) => !arrived.has(group.gtid)).map((group) => group.gtid);
        const { groups, firstGtid, lastGtid } = await strandedGroups(parent, child, found);
        expect([groups, firstGtid, lastGtid]).toEqual([missing.length, missing[0] ?? null, missing.at(-1) ?? null]);
      }),
      { numRuns: 500 },
    );
  },
);
