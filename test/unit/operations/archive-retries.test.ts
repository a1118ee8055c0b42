import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { ArchiveRetries } from '../../../src/operations/archive-retries.ts';
import { HistoryChanges } from '../../../src/operations/history-changes.ts';
import { SourcePlace } from '../../../src/operations/thrown-out.ts';
import { cannotWrite } from '../../../src/platform/disk-full.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const SOURCE = { name: 'shop', socket: '/nowhere/server.sock', user: 'lastgood', password: '', tls: 'off' } as const;
const FULL = cannotWrite('/repo/x', Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
const ATTEMPT = { isFruitful: true, isFirst: false, end: null };

interface Scene extends AsyncDisposable {
  readonly retries: ArchiveRetries;
  readonly told: readonly { msg: string; hint: string }[];
}

async function sceneOf(untilCurrent: boolean): Promise<Scene> {
  const told: { msg: string; hint: string }[] = [];
  const log = pino({}, { write: (line: string) => told.push(JSON.parse(line) as (typeof told)[number]) });
  const place = new SourcePlace({ source: SOURCE, repositoryPath: '/repo', name: 'shop', serverId: 7 });
  const options = { untilCurrent, signal: AbortSignal.abort(), log };
  const folder = await makeTempDirectory('lastgood-retries-');
  const parts = { place, changes: new HistoryChanges(), recordPath: join(folder.path, 'archiver-shop.json') };
  const retries = new ArchiveRetries(options, parts);
  return { retries, told, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

it('an archiver that waits for room on the disk does not send for a second one', async () => {
  await using scene = await sceneOf(false);
  const { retries, told } = scene;
  await retries.waitAfter(FULL, ATTEMPT);
  expect(told).toMatchObject([{ msg: 'no room in the repository: nothing is archived until there is' }]);
  expect(told[0]?.hint).toMatch(/^Free space there: this archiver then goes on by itself.*start no second one/);
});

it('one that ends for it says to run it again', async () => {
  await using scene = await sceneOf(true);
  const { retries, told } = scene;
  await expect(retries.waitAfter(FULL, ATTEMPT)).rejects.toMatchObject({
    code: 'STORAGE_FAILED',
    hint: expect.stringContaining('free space, then run again') as string,
  });
  expect(told).toEqual([]);
});
