import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/incident/incident.ts';
import type { Plan } from '../../../src/recovery/plan.ts';
import { describeFailure, prove, type ProofInput } from '../../../src/recovery/proof.ts';
import { aBackup } from '../../support/in-memory-log.ts';

const plan: Plan = {
  target: {
    kind: 'latest',
    resolved: {
      lineage: 'shop-1a2b',
      file: 'binlog.000003',
      position: 900,
      gtid: '0-1-12',
      time: null,
      between: 'the last',
      gtidState: '0-1-12,1-2-3',
    },
  },
  backup: aBackup('binlog.000002:400'),
  segments: [],
  skipped: [],
  groups: 7,
  bytes: 1000,
  estimateSeconds: null,
  conflicts: [],
  warnings: [],
  reachable: true,
};

const orders = { schema: 'shop', name: 'orders', checksum: '17', rows: 3 };

/** A restore at which nothing is wrong. */
const good: ProofInput = {
  plan,
  replayed: { groups: 7, gtidState: '1-2-3,0-1-12', executed: { file: 'binlog.000003', position: 900 } },
  schemas: ['shop', 'crm'],
  tables: [orders],
  incident: null,
  reference: { name: "the replica's", tables: [orders] },
};

function dropped(schema: string, name: string | null): Incident {
  const type = name === null ? 'database' : 'table';
  return { objects: [{ schema, name, type }] } as unknown as Incident;
}

describe('a proof', () => {
  it('holds when everything is as planned', () => {
    const proof = prove(good);

    expect(proof).toMatchObject({
      ok: true,
      appliedGroups: 7,
      lastApplied: { gtid: '0-1-12', file: 'binlog.000003', end: 900 },
      tables: [orders],
    });
    expect(proof.checks).toHaveLength(4);
  });

  it.each<[string, Partial<ProofInput>]>([
    [
      'not true that GTID state is the planned one: 0-1-11,1-2-3, planned 0-1-12,1-2-3',
      { replayed: { ...good.replayed, gtidState: '0-1-11,1-2-3' } },
    ],
    [
      'not true that every planned group was applied, and no other: 8 of 7 groups',
      { replayed: { ...good.replayed, groups: 8 } },
    ],
    ['not true that database billing is back: missing', { incident: dropped('billing', null) }],
    ['not true that table shop.items is back: missing', { incident: dropped('shop', 'items') }],
    [
      'not true that every table can be read to its last row: cannot read shop.orders',
      { tables: [{ ...orders, checksum: null }], reference: null },
    ],
    [
      "not true that every table is equal to the replica's: different: shop.orders",
      { tables: [{ ...orders, rows: 4 }] },
    ],
    ["not true that every table is equal to the replica's: different: shop.orders", { tables: [] }],
  ])('fails: %s', (message, change) => {
    const proof = prove({ ...good, ...change });

    expect(proof.ok).toBe(false);
    expect(describeFailure(proof)).toBe(message);
  });

  it('makes every check, also after one has failed', () => {
    const proof = prove({ ...good, tables: [], replayed: { ...good.replayed, groups: 0 } });

    expect(proof.checks.filter(({ ok }) => !ok)).toHaveLength(2);
  });

  it('tells what came back', () => {
    const { checks } = prove({ ...good, incident: dropped('shop', null) });

    expect(checks).toContainEqual({ check: 'database shop is back', ok: true, found: '1 tables, 3 rows' });
  });
});
