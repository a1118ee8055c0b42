import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recordRestore } from '../../../src/operations/restore-record.ts';
import type { Plan } from '../../../src/recovery/plan.ts';
import type { RanPlan } from '../../../src/recovery/run-phases.ts';
import { estimate } from '../../../src/recovery/estimate.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { aBackup } from '../../support/in-memory-log.ts';

const MIB = 1024 * 1024;

const plan = {
  target: { resolved: { lineage: 'shop-1a2b', file: 'binlog.000002', position: 900, gtid: '0-1-7' } },
  backup: aBackup('binlog.000001:256', { id: 'b1', bytes: 100 * MIB }),
  bytes: 400 * MIB,
} as unknown as Plan;
const ran = {
  proof: { ok: true, appliedGroups: 12 },
  seconds: { load: 10, replay: 20, proof: 3, total: 33 },
} as unknown as RanPlan;
const run = { startedAt: new Date('2026-11-22T10:00:00Z'), plan, ran, log: silentLog };

let folder: ArchiveFolder;

beforeEach(async () => {
  folder = await archiveFolder();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

it('keeps how long a restore took, for the next estimate', async () => {
  await recordRestore(folder.repository, run);
  const { records } = await folder.repository.rehearsals();
  expect(records).toMatchObject([
    {
      ...{ purpose: 'restore', startedAt: '2026-11-22T10:00:00.000Z', ok: true, backup: 'b1', groups: 12 },
      ...{ lineage: 'shop-1a2b', file: 'binlog.000002', position: 900, gtid: '0-1-7' },
    },
  ]);
  expect(records[0]?.id).toMatch(/^restore-20261122-100000-[\da-f]{4}$/);
  expect(estimate(records, { backupBytes: 200 * MIB, replayBytes: 100 * MIB })).toEqual({
    ...{ loadSeconds: 20, replaySeconds: 5, proofSeconds: 1.8 },
  });
});

it('is no reason to fail where the repository cannot be written', async () => {
  const path = join(folder.repository.path, 'rehearsals');
  await rm(path, { recursive: true });
  await writeFile(path, '');
  await expect(recordRestore(folder.repository, run)).resolves.toBeUndefined();
});
