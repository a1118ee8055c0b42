import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/incident/incident.ts';
import type { Plan } from '../../../src/recovery/plan.ts';
import { describeFailure, onlyDiffersFromReference, prove, type ProofInput } from '../../../src/recovery/proof.ts';
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
  crossings: [],
  skipped: [],
  skippedSegments: [],
  skips: [],
  groups: 7,
  bytes: 1000,
  estimateSeconds: null,
  estimate: null,
  candidates: [],
  diskBytes: 0,
  conflicts: [],
  warnings: [],
  reachable: true,
  reliesOn: { backup: '', files: [] },
  fingerprint: '',
};

const orders = { schema: 'shop', name: 'orders', checksum: '17', rows: 3 };

/** A restore at which nothing is wrong. */
const good: ProofInput = {
  plan,
  replayed: { groups: 7, gtidState: '1-2-3,0-1-12', executed: { file: 'binlog.000003', position: 900 } },
  schemas: ['shop', 'crm'],
  tables: [orders],
  incident: null,
  reference: { name: "the replica's", place: 'on the replica', tables: [orders] },
};

function aMysqlBackup(): Plan['backup'] {
  return { ...aBackup('binlog.000002:400', { gtid: '' }), flavor: 'mysql' };
}

function dropped(schema: string, name: string | null): Incident {
  const type = name === null ? 'database' : 'table';
  return { kind: `drop-${type}`, objects: [{ schema, name, type }], statement: 'DROP' } as unknown as Incident;
}

/** DROP TABLE of several tables of `shop`. */
function droppedTables(statement: string, names: readonly string[]): Incident {
  const objects = names.map((name) => ({ schema: 'shop', name, type: 'table' }));
  return { kind: 'drop-table', objects, statement } as unknown as Incident;
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
    [
      "not true that every table is equal to the replica's: different: shop.orders; only on the replica: shop.b, shop.c; only in the restore: shop.a",
      {
        tables: [{ ...orders, name: 'a' }, orders],
        reference: {
          name: "the replica's",
          place: 'on the replica',
          tables: [
            { ...orders, name: 'c' },
            { ...orders, name: 'b' },
            { ...orders, checksum: '18' },
          ],
        },
      },
    ],
  ])('fails: %s', (message, change) => {
    const proof = prove({ ...good, ...change });

    expect(proof.ok).toBe(false);
    expect(describeFailure(proof)).toBe(message);
  });

  describe('of a skip', () => {
    const skipped = {
      ...{ id: 'inc-1', kind: 'drop-table', lineage: 'shop-1a2b', file: 'binlog.000003', start: 300, end: 400 },
      ...{
        objects: [{ schema: 'shop', name: 'orders', type: 'table' }],
        statement: 'DROP TABLE orders',
        gtid: '0-1-9',
      },
    } as unknown as Incident;
    const part = (from: number, to: number) => ({
      lineage: 'shop-1a2b',
      file: 'binlog.000003',
      from,
      to,
      bytes: to - from,
    });
    const around = { ...plan, skipped: [skipped], segments: [part(4, 300), part(400, 900)] };

    it('holds when no replayed part touches the group, and tells what is there', () => {
      expect(prove({ ...good, plan: around }).checks).toContainEqual({
        check: 'drop-table inc-1 was skipped',
        ok: true,
        found: 'table shop.orders: 3 rows',
      });
    });

    it.each([
      [
        'a part of the group itself',
        { segments: [part(4, 301), part(400, 900)] },
        'binlog.000003 was replayed from 4 to 301',
      ],
      [
        'a part of another group that belongs to it',
        { skippedSegments: [part(300, 400), part(500, 600)] },
        'binlog.000003 was replayed from 400 to 900',
      ],
    ])('fails when %s was replayed', (_, change, found) => {
      const proof = prove({ ...good, plan: { ...around, ...change } });

      expect(describeFailure(proof)).toBe(`not true that drop-table inc-1 was skipped: ${found}`);
    });

    it('fails on MySQL when its GTID was applied', () => {
      const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
      const backup = { ...aBackup('binlog.000002:400', { gtid: `${uuid}:1` }), flavor: 'mysql' as const };
      const resolved = { ...plan.target.resolved, gtidState: `${uuid}:1-5` };
      const mysql = {
        ...{ ...around, backup, target: { ...plan.target, resolved } },
        skipped: [{ ...skipped, gtid: `${uuid}:4` }],
      };
      const replayed = { ...good.replayed, gtidState: `${uuid}:1-5` };

      expect(describeFailure(prove({ ...good, plan: mysql, replayed }))).toBe(
        `not true that drop-table inc-1 was skipped: ${uuid}:4 was applied`,
      );
    });
  });

  it('makes every check, also after one has failed', () => {
    const proof = prove({ ...good, tables: [], replayed: { ...good.replayed, groups: 0 } });

    expect(proof.checks.filter(({ ok }) => !ok)).toHaveLength(2);
  });

  it('that only differs from the reference does not say which of the two is wrong', () => {
    const differs = { ...good, tables: [{ ...orders, rows: 4 }] };

    expect(onlyDiffersFromReference(prove(differs))).toBe(true);
    expect(onlyDiffersFromReference(prove(good))).toBe(false);
    expect(onlyDiffersFromReference(prove({ ...differs, replayed: { ...good.replayed, groups: 8 } }))).toBe(false);
  });

  it('tells what came back', () => {
    const { checks } = prove({ ...good, incident: dropped('shop', null) });

    expect(checks).toContainEqual({ check: 'database shop is back', ok: true, found: '1 table, 3 rows' });
  });

  it("keeps domains of the backup's that this log does not have, and no others", () => {
    const backup = aBackup('binlog.000002:400', { gtid: '0-1-9,7-9-100' });
    const withDomain = { ...good, plan: { ...plan, backup } };
    const stateOf = (gtidState: string) =>
      prove({ ...withDomain, replayed: { ...good.replayed, gtidState } }).checks.find(({ check }) =>
        /GTID/.test(check),
      );

    expect(stateOf('0-1-12,1-2-3,7-9-100')).toMatchObject({ ok: true });
    expect(stateOf('0-1-12,1-2-3')).toMatchObject({ ok: false, found: '0-1-12,1-2-3, planned 0-1-12,1-2-3,7-9-100' });
    expect(stateOf('0-1-9,1-2-3,7-9-100')).toMatchObject({ ok: false });
  });

  describe('of MySQL', () => {
    const [source, replica] = ['3e11fa47-71ca-11e1-9e33-c80aa9429562', '4e11fa47-71ca-11e1-9e33-c80aa9429562'];
    const backup = {
      ...aBackup('binlog.000002:400', { gtid: `${source}:1-3,${replica}:1` }),
      flavor: 'mysql' as const,
    };
    const segments = [{ lineage: 'shop-1a2b', file: 'binlog.000003', from: 4, to: 900, bytes: 896 }];
    const resolved = { ...plan.target.resolved, gtid: `${source}:5`, gtidState: `${source}:1-5` };
    const mysql = { ...good, plan: { ...plan, backup, segments, target: { ...plan.target, resolved } } } as ProofInput;

    it('keeps what only the replica had written, and nothing else', () => {
      const okOf = (gtidState: string): boolean => prove({ ...mysql, replayed: { ...good.replayed, gtidState } }).ok;

      expect(okOf(`${source}:1-5,${replica}:1`)).toBe(true);
      expect(okOf(`${source}:1-5`)).toBe(false);
      expect(okOf(`${source}:1-6,${replica}:1`)).toBe(false);
    });

    it('without GTIDs says that nothing counts groups, and where the applier stands', () => {
      const without = { ...resolved, gtid: null, gtidState: '' };
      const input = {
        ...mysql,
        plan: { ...mysql.plan, backup: aMysqlBackup(), target: { ...plan.target, resolved: without } },
      };
      const provenAt = (position: number) =>
        prove({ ...input, replayed: { groups: null, gtidState: '', executed: { file: 'binlog.000003', position } } });

      expect(provenAt(900)).toMatchObject({ ok: true, appliedGroups: null });
      expect(provenAt(900).checks[1]?.found).toBe(
        'not counted by this server (7 planned): its applier stands at binlog.000003:900, the end of the plan',
      );
      expect(provenAt(800).checks[1]).toMatchObject({ ok: false });
    });
  });

  it.each([
    ['0', false],
    ['1', true],
    ['2', true],
  ])('compares names as the source did: lower_case_table_names=%s', (folds, ok) => {
    const backup = { ...plan.backup, settings: { lower_case_table_names: folds } };
    const folded = { ...good, plan: { ...plan, backup } };

    expect(prove({ ...folded, incident: dropped('Shop', 'Orders') }).ok).toBe(ok);
    expect(prove({ ...folded, incident: dropped('SHOP', null) }).ok).toBe(ok);
  });

  it('asks only for what it knows of a server: schemas and tables', () => {
    const incident = dropped('shop', 'v');
    const view = {
      ...incident,
      kind: 'drop-view' as const,
      objects: [{ schema: 'shop', name: 'v', type: 'view' as const }],
    };

    const { ok, checks } = prove({ ...good, incident: view });

    expect(ok).toBe(true);
    expect(checks.filter(({ check }) => check.endsWith('is back'))).toEqual([]);
  });

  it('does not miss a table that CREATE OR REPLACE did not find either', () => {
    const incident = {
      ...droppedTables('CREATE OR REPLACE TABLE never (id INT)', ['never']),
      kind: 'replace-table' as const,
    };

    expect(prove({ ...good, incident }).ok).toBe(true);
  });

  it('does not miss a table that DROP TABLE IF EXISTS did not find either', () => {
    const incident = droppedTables('DROP TABLE IF EXISTS `orders`,`never` /* generated by server */', [
      'orders',
      'never',
    ]);

    const { ok, checks } = prove({ ...good, incident });

    expect(ok).toBe(true);
    expect(checks).toContainEqual({
      check: 'table shop.never is back',
      ok: true,
      found: 'missing: the statement may have named what was not there before either',
    });
  });

  it.each([
    ['DROP TABLE orders, never', ['orders', 'never']],
    ['DROP TABLE IF EXISTS never', ['never']],
  ])('lets a table of %s be missing: the log names what was not there too', (statement, names) => {
    expect(prove({ ...good, incident: droppedTables(statement, names) }).ok).toBe(true);
  });

  it.each([
    ['DROP TABLE never', ['never']],
    ['DROP TABLE `if exists`', ['if exists']],
    ['DROP TABLE never, `if exists`', ['never', 'if exists']],
  ])('misses a table of %s', (statement, names) => {
    expect(prove({ ...good, incident: droppedTables(statement, names) }).ok).toBe(false);
  });
});
