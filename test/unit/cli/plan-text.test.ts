import { describe, expect, it } from 'vitest';
import { planText } from '../../../src/cli/output/plan-text.ts';
import type { Plan } from '../../../src/recovery/plan.ts';
import { anIncident, aBackup, TEN_O_CLOCK } from '../../support/in-memory-log.ts';

const DROP = anIncident({ start: 300, end: 400, time: TEN_O_CLOCK }, { file: 'binlog.000001' });
const NONE = { estimateSeconds: null, groups: null, bytes: null, chosen: false } as const;

const PLAN: Plan = {
  target: {
    kind: 'latest',
    resolved: {
      ...{ lineage: 'shop-1a2b', file: 'binlog.000002', position: 900, gtid: '0-1-7', gtidState: '0-1-7' },
      ...{ time: '2026-11-22T10:00:00Z', between: 'after 0-1-7 (2026-11-22T10:00:00Z), the last group archived' },
    },
  },
  backup: aBackup('binlog.000001:256', { id: 'b1', bytes: 1024 }),
  segments: [{ lineage: 'shop-1a2b', file: 'binlog.000001', from: 256, to: 300, bytes: 44 }],
  crossings: [],
  skipped: [],
  skippedSegments: [],
  skips: [],
  groups: 1,
  bytes: 44,
  estimateSeconds: 75,
  estimate: { loadSeconds: 60, replaySeconds: 12, proofSeconds: 3 },
  candidates: [
    { backup: 'b1', usable: true, why: null, estimateSeconds: 75, groups: 1, bytes: 44, chosen: true },
    { backup: 'b2', usable: true, why: null, estimateSeconds: 80, groups: 2000, bytes: 2048, chosen: false },
    { backup: 'b3', usable: false, why: 'its file is missing', ...NONE },
    { backup: 'b4', usable: null, why: 'not looked at: 4 newer ones can be used', ...NONE },
  ],
  diskBytes: 3 * 1024 ** 3,
  conflicts: [],
  warnings: ['look out'],
  reachable: true,
  reliesOn: { backup: '', files: [] },
  fingerprint: '',
};

function lines(...of: Parameters<typeof planText>): string[] {
  return planText(...of).split('\n');
}

describe('the text of a plan', () => {
  it('tells the steps of its time, the disk, and the other backups with the reason', () => {
    expect(lines(PLAN)).toEqual(
      expect.arrayContaining([
        'time              about 1 min 15 s: load 1 min 0 s, replay 12 s, proof 3.0 s',
        'disk              at least 3.0 GiB',
        'other backup      b2: about 1 min 20 s, 2,000 transactions in 2.0 KiB to replay',
        'other backup      b3: not usable, its file is missing',
        'other backup      1 older one was not looked at',
        'warning: look out',
      ]),
    );
    expect(planText(PLAN)).not.toContain('b1:');
    expect(lines({ ...PLAN, estimateSeconds: null, estimate: null })).toContain(
      'time              unknown before the first restore or rehearsal',
    );
  });

  it('says from how much an estimate is made that is for far more, and why there is none', () => {
    const measured = { restores: 3, backupBytes: 50 * 1024, replayedBytes: 4 };
    const text = lines({ ...PLAN, measured })
      .join(' ')
      .replaceAll(/ +/g, ' ');
    expect(text).toContain('proof 3.0 s roughly: past restores loaded at most 50.0 KiB and replayed at most 4 B');
    expect(planText({ ...PLAN, measured: { ...measured, replayedBytes: 5 } })).not.toContain('roughly');
    expect(lines({ ...PLAN, estimateSeconds: null, estimate: null, measured })).toContain(
      'time              unknown: past restores loaded at most 50.0 KiB and replayed at most 4 B, too little to tell; a rehearsal measures it',
    );
  });

  it('says whether it fits into a folder', () => {
    const inFolder = (freeBytes: number): string | undefined =>
      lines(PLAN, { datadir: { path: '/srv/restored', freeBytes }, delayedReplica: null }).find((line) =>
        line.startsWith('disk'),
      );
    expect(inFolder(4 * 1024 ** 3)).toBe('disk              at least 3.0 GiB; /srv/restored: 4.0 GiB free');
    expect(inFolder(2 * 1024 ** 3)).toBe('disk              at least 3.0 GiB; /srv/restored: too little, 2.0 GiB free');
  });

  it('tells what is left out, and each thing that comes of it once, with the ways out', () => {
    const why = 'at 0-1-6, shop the database is there already';
    const conflict = { skipped: DROP.id, file: 'binlog.000001', start: 500, groups: 1 } as const;
    const planWith = (verdict: 'risky' | 'impossible'): Plan => ({
      ...PLAN,
      reachable: verdict === 'risky',
      skipped: [DROP],
      skips: [{ incident: DROP.id, verdict, why }],
      conflicts: [
        { ...conflict, kind: 'fails', gtid: '0-1-6', object: 'shop', why: 'the database\nis there already' },
        { ...conflict, kind: 'may-fail', gtid: null, object: '', why: 'may do anything', groups: 3 },
      ],
    });
    const text = lines(planWith('risky'));
    const at = text.findIndex((line) => line.startsWith('without'));
    expect(text.slice(at, at + 4)).toEqual([
      `without           incident ${DROP.id} (drop-database shop at 2026-11-22T10:00:00Z)`,
      '                  risky: what follows may fail without it, or do something else',
      String.raw`                    0-1-6, fails: shop: the database\nis there already`,
      '                    binlog.000001:500, may do anything (and in 2 later transactions)',
    ]);
    expect(text).toContain('reachable         yes, with --accept-conflicts');
    const instead = `\`lastgood plan --before ${DROP.id}\` ends just before the incident, or bring back only what was lost: \`lastgood salvage --before ${DROP.id} --schema shop --out salvage-${DROP.id}.sql.zst\``;
    expect(text.at(-1)).toBe(
      `hint: restore takes --accept-conflicts, and ends at the first transaction that really fails; ${instead}`,
    );

    const impossible = lines(planWith('impossible'));
    expect(impossible).toContain('reachable         no: it cannot be replayed without what is left out');
    const back = 'If 0-1-6 brought back what was lost, as a salvage does, the same target without --skip has it.';
    expect(impossible.at(-1)).toBe(`hint: ${back} ${instead}`);
  });

  it('says why leaving something out is safe', () => {
    const skips = [{ incident: DROP.id, verdict: 'safe', why: 'nothing differs in the end' }] as const;
    const text = lines({ ...PLAN, skipped: [DROP], skips });
    expect(text).toContain('                  safe: nothing differs in the end');
    expect(text).toContain('reachable         yes');
  });

  it('ends with the delayed replica that needs no restore', () => {
    const delayed = { delaySeconds: 3600, secondsLeft: 3000, executed: 'binlog.000001:256', statement: 'STOP SLAVE' };
    const around = { datadir: null, delayedReplica: { server: 'replica db2', ...delayed } };
    expect(lines(PLAN, around).at(-1)).toBe(
      'hint: the replica db2 has not come to the target yet (it stands at binlog.000001:256, delay 1 h 0 min, 50 min 0 s left): run STOP SLAVE there now, and it stays before it',
    );
  });
});
