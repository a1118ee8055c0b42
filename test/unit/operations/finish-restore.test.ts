import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { finishRestore, type FinishedRun } from '../../../src/operations/restore.ts';
import { LastgoodError } from '../../../src/platform/errors.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import type { RestorePhase } from '../../../src/recovery/restore-note.ts';
import { silentLog } from '../../support/archiver.ts';
import { aBackup } from '../../support/in-memory-log.ts';

const resolved = {
  ...{ lineage: 'shop-1a2b', file: 'binlog.000002', position: 900, between: 'the end' },
  ...{ gtid: null, time: null, gtidState: null },
};
const plan = {
  ...{ target: { kind: 'latest', resolved }, backup: aBackup('binlog.000001:256', { id: 'b1' }) },
  ...{ segments: [], skipped: [], conflicts: [], warnings: [], groups: 1, bytes: 9 },
};
const place = { kind: 'existing', datadir: '/srv/data', socket: '/run/s', port: 3306, pid: null };

/** A run that came to its end. @param o.refused notes that cannot be written */
function ranTo(o: { ok: boolean; refused: readonly RestorePhase[] }): { run: FinishedRun; did: string[] } {
  const did: string[] = [];
  const target = {
    ...{ kind: 'existing', name: 'target', notePath: 'table note', borrowed: [], place },
    handOver: () => Promise.resolve(did.push('handed over')).then(() => place),
    keep: () => Promise.resolve(did.push('kept')),
    abandon: (error: unknown) => Promise.resolve(did.push('abandoned')).then(() => error),
  };
  const checks = [{ check: 'all is there', ok: o.ok, found: 'some' }];
  const ran = {
    ...{ target, warnings: ['of the run'], appliers: null, looseEnds: [] },
    proof: { ok: o.ok, checks, appliedGroups: 1, tables: [] },
    seconds: { load: 1, replay: 1, proof: 1, total: 3 },
    note: (phase: RestorePhase) =>
      o.refused.includes(phase)
        ? Promise.reject(new LastgoodError('STORAGE_FAILED', `no room for ${phase}`))
        : Promise.resolve(did.push(phase)),
  };
  const run = { plan, ran, incident: null, startedAt: new Date(0), resumed: null, isUsual: false };
  return { run: run as unknown as FinishedRun, did };
}

const archive = { repository: {}, catalog: { lineages: () => [] } } as unknown as Parameters<typeof finishRestore>[0];

describe('a restore whose outcome is settled', () => {
  it('is handed over and done, also where its report cannot be written', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const report = join(folder.path, 'file');
    await writeFile(report, '');
    const { run, did } = ranTo({ ok: true, refused: [] });

    const result = await finishRestore(archive, run, { report, log: silentLog });

    expect(did).toEqual(['proven', 'handed over', 'done']);
    expect(result).toMatchObject({ server: place, report: null });
    expect(result.warnings).toEqual([
      'of the run',
      expect.stringMatching(/^there is no report: cannot write '.*file.*'/) as string,
    ]);
  });

  it('says where its note is behind', async () => {
    const { run, did } = ranTo({ ok: true, refused: ['done'] });

    const { warnings } = await finishRestore(archive, run, { log: silentLog });

    expect(did).toEqual(['proven', 'handed over']);
    expect(warnings.at(-1)).toBe('the restore is handed over, and table note does not say so: no room for done');
  });

  it('is not handed over before it is noted that it is proven', async () => {
    const { run, did } = ranTo({ ok: true, refused: ['proven'] });
    await expect(finishRestore(archive, run, { log: silentLog })).rejects.toThrow('no room for proven');
    expect(did).toEqual(['abandoned']);
  });

  it('is kept and told of as not proven, whatever else cannot be written', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const report = join(folder.path, 'file');
    await writeFile(report, '');
    const { run, did } = ranTo({ ok: false, refused: ['failed'] });

    await expect(finishRestore(archive, run, { report, log: silentLog })).rejects.toMatchObject({
      code: 'PROOF_FAILED',
      message: expect.stringMatching(
        /not true that all is there: some; table note does not say so: no room for failed; there is no report: cannot/,
      ) as string,
    });
    expect(did).toEqual(['kept']);
  });
});
