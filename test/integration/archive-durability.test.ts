import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eachImage, readStates } from '../support/crash-image.ts';
import { falseManifests, mustArchive, toldTooEarly, writeConfig } from '../support/crash-scene.ts';
import { startPrimary } from '../support/servers.ts';

describe('the archive, after a power cut at any step', () => {
  it('still has all that its catalog and its manifests tell of', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    for (const sql of ['CREATE DATABASE a', 'FLUSH BINARY LOGS', 'CREATE DATABASE b']) await connection.query(sql);
    const folder = join(server.directory, 'recorded');
    const root = join(server.directory, 'archive');
    const config = join(server.directory, 'lastgood.toml');
    await mkdir(folder);
    await writeConfig(server, { path: config, repository: root });
    await mustArchive(config, { kind: 'record', root, folder });
    const faults: string[] = [];
    const told = new Set<string>();
    const recording = { folder, states: readStates(folder) };
    // Of what was not synced nothing is left but SQLite's own and what was removed, or all names and no bytes.
    await eachImage(recording, ['unlinked', 'names'], async ({ path, fate, step }) => {
      const early = fate === 'unlinked' ? await toldTooEarly(path) : [];
      for (const fault of [...early, ...(await falseManifests(path))]) faults.push(`${step}: ${fault}`);
      told.add(step);
    });
    expect(faults).toEqual([]);
    expect([...told].join()).toContain('transaction catalog.sqlite');
  });
});
