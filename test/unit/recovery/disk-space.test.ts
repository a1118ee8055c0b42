import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import {
  freeBytes,
  neededBytes,
  neededForward,
  neededOnServer,
  requireSpace,
} from '../../../src/recovery/disk-space.ts';
import type { Plan } from '../../../src/recovery/plan.ts';

const GIB = 2 ** 30;

function work(backupBytes: number, bytes: number): Pick<Plan, 'backup' | 'bytes' | 'diskBytes'> {
  const bare = { backup: { bytes: backupBytes } as Plan['backup'], bytes };
  return { ...bare, diskBytes: neededBytes(bare) };
}

it('counts the redo log of a new server, and not of one that has it', () => {
  const small = work(0, 0);
  const large = work(10 * GIB, 0);

  expect([small.diskBytes, large.diskBytes]).toEqual([GIB, 61 * GIB]);
  expect([small, large].map((plan) => neededOnServer(plan, 'applier'))).toEqual([0.75 * GIB, 60.75 * GIB]);
});

it('counts all of the log where a server that is there already receives it, and not where a session sends it', () => {
  const { bytes } = work(0, 100 * GIB);
  const [received, sent] = (['applier', 'session'] as const).map((engine) => neededOnServer(work(0, bytes), engine));

  expect(received).toBe(100.75 * GIB);
  expect(sent).toBeLessThan(2 * GIB);
});

it('needs for going on what is received at once of the log that is new', () => {
  expect(neededForward({ bytes: 3 * GIB }, { bytes: 3 * GIB })).toBe(0);
  expect(neededForward({ bytes: 3 * GIB }, { bytes: 3 * GIB + 7 })).toBe(7);
  expect(neededForward({ bytes: 0 }, { bytes: 9 * GIB })).toBe(GIB);
});

it('tells how much is free where the folder will be, and names what keeps it from being there', async () => {
  await using folder = await makeTempDirectory('lastgood-unit-');
  const file = join(folder.path, 'file');
  await writeFile(file, '');
  expect(await freeBytes(join(folder.path, 'new/deep'))).toBeGreaterThan(0);

  const code = 'TARGET_NOT_EMPTY';
  await expect(freeBytes(file)).rejects.toMatchObject({ code, message: `'${file}' is not a folder` });
  const message = `'${file}/d' cannot be there: '${file}' is not a folder`;
  await expect(requireSpace(join(file, 'd'), 1)).rejects.toMatchObject({ code, message });
});
