import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { archiveToTheLastByte } from '../support/archiver.ts';
import { eachImage, FATES, readStates, type Fate, type Recording } from '../support/crash-image.ts';
import {
  falseManifests,
  heal,
  mustArchive,
  problemsOf,
  runArchive,
  toldTooEarly,
  writeConfig,
  type StoredForm,
} from '../support/crash-scene.ts';
import type { CrashPlan } from '../support/crash-preload.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

const BEFORE = ['CREATE DATABASE shop', 'USE shop', 'CREATE TABLE t (id INT PRIMARY KEY, c VARBINARY(3000))'];
const INSERT = "INSERT INTO t SELECT seq + ?, REPEAT('x', 2500) FROM seq_1_to_4";

/**
 * Four runs of the real program, all their steps noted: from nothing; killed before it synced what it wrote; on from there;
 * over the ends of two files. The second one's end is what makes the third one answer for bytes that another process wrote.
 */
async function recordSteps(server: TestServer, form: StoredForm): Promise<Recording> {
  const folder = join(server.directory, 'recorded');
  const root = join(server.directory, 'archive');
  const config = join(server.directory, 'lastgood.toml');
  await mkdir(folder);
  await writeConfig(server, { path: config, repository: root, form });
  await using connection = await server.connect();
  const change = async (first: number, ...statements: string[]): Promise<void> => {
    await connection.query(INSERT, [first]);
    for (const statement of statements) await connection.query(statement);
  };
  const plan: CrashPlan = { kind: 'record', root, folder };
  for (const statement of BEFORE) await connection.query(statement);
  await change(0);
  await mustArchive(config, plan);
  await change(100);
  const ended = await runArchive(config, { ...plan, killAfter: 'write lineages/shop-ID/binlog.N' });
  expect(ended.signal).toBe('SIGKILL');
  await mustArchive(config, plan);
  await change(200, 'FLUSH BINARY LOGS', 'DROP TABLE t', 'FLUSH BINARY LOGS', 'CREATE TABLE u (id INT)');
  const before = readStates(folder).length;
  await mustArchive(config, plan);
  await archiveToTheLastByte(server, join(server.directory, 'settled')); // from now on the source writes nothing
  // Only the last run seals: of the other two forms the rest is the same.
  return { folder, states: readStates(folder).slice(form.compression === 'none' ? 0 : before) };
}

async function faultsOf(
  server: TestServer,
  { path, fate }: { path: string; fate: Fate },
  form: StoredForm,
): Promise<string[]> {
  const keyFile = join(server.directory, 'lastgood.toml.key');
  // What the catalog tells, with nothing but what was synced.
  const early = fate === 'unlinked' ? await toldTooEarly(path) : [];
  const before = [...early, ...(await falseManifests(path))];
  try {
    await heal(server, path, { form, keyFile });
    return [...before, ...(await problemsOf(server, path, form.encrypted ? keyFile : null))];
  } catch (error) {
    return [...before, String(error)];
  }
}

describe('the archive, after a kill or a power cut at any step', () => {
  it.each<StoredForm>([
    { compression: 'none', encrypted: false },
    { compression: 'zstd', encrypted: false },
    { compression: 'zstd', encrypted: true },
  ])(
    'kept what it told of, and the next start heals it: compression $compression, encrypted $encrypted',
    { timeout: 400_000 },
    async (form) => {
      await using server = await startPrimary();
      const recording = await recordSteps(server, form);
      const faults: string[] = [];
      const images = await eachImage(recording, FATES, async (image) => {
        for (const fault of await faultsOf(server, image, form)) faults.push(`${image.fate} ${image.step}: ${fault}`);
      });
      expect(faults).toEqual([]);
      expect(images).toBeGreaterThan(recording.states.length);
    },
  );
});
