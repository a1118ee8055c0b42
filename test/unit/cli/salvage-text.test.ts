import { expect, it } from 'vitest';
import { salvageText } from '../../../src/cli/output/salvage-text.ts';
import type { SalvageResult } from '../../../src/operations/salvage.ts';

const result = {
  plan: {
    target: { resolved: { file: 'binlog.000003', position: 900, time: null, between: 'between 0-1-1 and DROP' } },
    warnings: [],
  },
  salvaged: [
    { schema: 'shop', name: 'orders', type: 'table', rows: 4711, checksum: '99' },
    { schema: 'shop', name: 'evil\nname', type: 'view', rows: null, checksum: null },
  ],
  notCarried: [],
  out: { path: '/srv/shop.sql', bytes: 2048, sha256: 'ff', proven: true },
  into: null,
  definers: ['`root`@`localhost`'],
  grants: { given: false, statements: ['GRANT SELECT ON `shop`.* TO `app`@`%`'] },
  filtered: { schemas: ['crm', 'shop'], groups: 1200, bytes: 4096 },
  unfilteredBecause: null,
  proof: { ok: true, checks: [{}, {}], tables: [] },
  warnings: [],
  seconds: { load: 1, replay: 1, proof: 1, salvage: 2, total: 5 },
} as unknown as SalvageResult;
const textOf = (more: Partial<SalvageResult> = {}): string => salvageText({ ...result, ...more }, (_, words) => words);

it('says what is back, where, how that is known, and which privileges are left to give', () => {
  expect(textOf().split('\n')).toEqual([
    'as of  binlog.000003:900, unknown time',
    'cut    between 0-1-1 and DROP',
    'only   schemas crm, shop; 1,200 transactions (4.0 KiB) of others left out',
    'dump   /srv/shop.sql (2.0 KiB)',
    'proof  the restore held 2 checks; the dump was loaded: 1 table equal there by checksum and count',
    'took   5.0 s (restore 3.0 s)',
    '',
    'OBJECT           TYPE    ROWS  CHECKSUM',
    'shop.orders      table  4,711        99',
    String.raw`shop.evil\nname  view`,
    '',
    'Definers of its views, triggers, routines and events, which should exist where it is loaded:',
    '  `root`@`localhost`',
    '',
    'Privileges on it at that point, to be given by hand where wanted:',
    '  GRANT SELECT ON `shop`.* TO `app`@`%`;',
  ]);
});

it('names everything that did not come back', () => {
  const text = textOf({
    out: null,
    into: { server: 'live server (root@db:3306)', schema: 'shop_2' },
    notCarried: [{ type: 'procedure', name: 'p', why: 'it builds statements as it runs' }],
    warnings: ['foreign key a to b: rows without one in b: 1'],
    grants: { given: true, statements: [] },
    filtered: null,
    unfilteredBecause: 'incidents are skipped',
  });
  expect(text).toContain('only   no, everything was restored: incidents are skipped\n');
  expect(text).toContain('into   schema shop_2 of the live server (root@db:3306)\n');
  expect(text).toContain('; 1 table equal there by checksum and count\n');
  expect(text.split('\n').slice(-2)).toEqual([
    'not carried over: procedure p: it builds statements as it runs',
    'warning: foreign key a to b: rows without one in b: 1',
  ]);
});
