import { describe, expect, it } from 'vitest';
import { asHtml } from '../../../../src/operations/report/html.ts';
import { asMarkdown } from '../../../../src/operations/report/markdown.ts';
import { reportPage, type ReportFacts } from '../../../../src/operations/report/restore-report.ts';

const incident = {
  id: 'inc-7f3a90c1d2e4',
  kind: 'drop-table',
  objects: [{ schema: 'shop', name: 'a|b', type: 'table' }],
  statement: 'DROP TABLE `a|b` /* <script>alert(1)</script> */',
  rows: { deleted: 0, updated: 0 },
  ...{ gtid: '0-1-13', file: 'binlog.000003', start: 900, end: 1000, threadId: 37, serverId: 1 },
  time: '2026-11-22T10:00:01Z',
};
const facts = {
  kind: 'restore',
  startedAt: '2026-11-22T10:05:00Z',
  finishedAt: '2026-11-22T10:06:00Z',
  incident,
  behindCut: { groups: 12, file: 'binlog.000004', position: 400 },
  plan: {
    target: {
      resolved: {
        lineage: 'shop-1',
        file: 'binlog.000003',
        position: 900,
        gtid: '0-1-12',
        time: null,
        between: 'after 0-1-12',
      },
    },
    backup: { id: '20261122-100000-3f9a', finishedAt: '2026-11-22T02:00:00Z', bytes: 1000, settings: {} },
    segments: [{ lineage: 'shop-1', file: 'binlog.000003', from: 4, to: 900, bytes: 896 }],
    ...{ bytes: 2000, skipped: [], conflicts: [], warnings: ['the backup is old'] },
  },
  proof: {
    ok: false,
    checks: [{ check: 'GTID state is the planned one', ok: false, found: '0-1-11' }],
    appliedGroups: 7,
    tables: [{ schema: 'shop', name: 'a|b', rows: 3, checksum: null }],
  },
  server: { kind: 'scratch', datadir: '/srv/restored', socket: '/srv/restored/server.sock', port: 3307, pid: null },
  seconds: { load: 1, replay: 2.25, proof: 0.5, total: 3.8 },
  appliers: { used: 1, configured: 4, why: '2 cores' },
  warnings: [],
  handOver: null,
} as unknown as ReportFacts;

const page = reportPage(facts);
const works = reportPage({ ...facts, proof: { ...facts.proof, ok: true } });

describe('the report', () => {
  it('says first whether the server can be used', () => {
    expect(page.verdict).toMatch(/^NOT PROVEN: do not use the server: 0 of 1 checks hold$/);
    expect(works.verdict).toMatch(/^restored and proven/);
    expect(reportPage({ ...facts, kind: 'rehearsal' }).verdict).toMatch(/^THE RESTORE FAILED ITS PROOF/);
  });

  it('tells who did what and when, what it destroyed, and what is not in the server', () => {
    const text = asMarkdown(page);
    expect(text).toContain('- by: thread 37 of server 1');
    expect(text).toContain('- when: 2026-11-22T10:00:01Z');
    expect(text).toContain(String.raw`- table shop.a\|b: in the restored server 3 rows`);
    expect(text).toContain('12 transactions stand in the archive behind the cut, up to binlog.000004:400');
    expect(text).toContain('- replay: 2.3 s');
    expect(text).toContain('- replayed by: 1 applier of 4: 2 cores');
    expect(asMarkdown(reportPage({ ...facts, appliers: null }))).toContain('- replayed by: a session');
    expect(text).toContain('warning: the backup is old');
  });

  it('has every table, also under names with a bar, and every check', () => {
    const lines = asMarkdown(page).split('\n');
    expect(lines).toContain(String.raw`| shop.a\|b | 3 | unreadable |`);
    expect(lines).toContain('| GTID state is the planned one | NO | 0-1-11 |');
  });

  it('takes nothing of the log for HTML or Markdown', () => {
    expect(asHtml(page)).not.toContain('<script');
    expect(asHtml(page)).toContain('&lt;script&gt;alert(1)');
    expect(asMarkdown(page)).toContain(String.raw`\<script\>`);
  });

  it('loads nothing and runs nothing', () => {
    expect(asHtml(page)).not.toMatch(/\b(?:src|href)=|<script|https?:/);
    expect(asHtml(page)).toContain('name="viewport"');
    expect(asHtml(page)).toContain('@media print');
  });
});
