import { writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { keepServerId, readArchiverRuns, addArchiverRun } from '../../../src/archive/archiver-record.ts';
import { likelyFreeId } from '../../../src/operations/archiver-name.ts';
import { keptServerId, withServerId } from '../../../src/operations/server-id.ts';
import { SETTINGS_DEFAULTS, type PrimarySettings } from '../../../src/operations/settings.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';

const CHOSEN = { name: 'crm', host: 'db1', user: 'x', password: '', tls: 'off', serverId: 7 } as const;
const DEFAULT = { ...CHOSEN, serverId: SETTINGS_DEFAULTS.serverId, usesRepositoryId: true } as const;

const idOf = async ({ repository }: ArchiveFolder, primary: PrimarySettings): Promise<number> =>
  (await withServerId(repository, primary)).serverId;
const keep = async ({ repository }: ArchiveFolder, primary: PrimarySettings): Promise<number> =>
  (await keptServerId(repository, primary)).serverId;

describe('the id of an archiver', () => {
  it('is the one that was chosen, whatever the repository has', async () => {
    await using folder = await archiveFolder();
    await keepServerId(folder.repository.archiverRecordPath('crm'), 9);
    expect(await keep(folder, CHOSEN)).toBe(7);
    expect(await idOf(folder, DEFAULT)).toBe(9);
  });

  it('is one of its own in a new repository, before and after its first run', async () => {
    await using folder = await archiveFolder();
    const free = likelyFreeId({ repositoryPath: folder.repository.path, name: 'crm' });
    expect(free).not.toBe(SETTINGS_DEFAULTS.serverId);
    expect(await idOf(folder, DEFAULT)).toBe(free);
    expect(await keep(folder, DEFAULT)).toBe(free);
    expect(likelyFreeId({ repositoryPath: folder.repository.path, name: 'crm' }, `not-${hostname()}`)).not.toBe(free);
  });

  it('stays what it is: the default of earlier versions where archiving had begun, and what was kept where the machine has another name', async () => {
    await using folder = await archiveFolder();
    const begun = { ...DEFAULT, name: folder.lineage.name };
    expect(await keep(folder, begun)).toBe(SETTINGS_DEFAULTS.serverId);
    await keepServerId(folder.repository.archiverRecordPath('crm'), 12_345_678); // as on a machine of another name
    expect(await keep(folder, DEFAULT)).toBe(12_345_678);
    const path = folder.repository.archiverRecordPath('crm');
    await addArchiverRun(path, new Date('2026-11-23T10:00:00Z'));
    expect(await keep(folder, DEFAULT)).toBe(12_345_678);
    expect(await readArchiverRuns(path)).toHaveLength(1);
  });

  it.each([0, -1, 2 ** 32, 1.5, '7'])(
    'is none that no server takes, as somebody may have written it: %s',
    async (serverId) => {
      await using folder = await archiveFolder();
      await writeFile(
        folder.repository.archiverRecordPath('crm'),
        JSON.stringify({ format: 1, serverId, current: [] }),
      );
      expect(await keep(folder, DEFAULT)).toBe(likelyFreeId({ repositoryPath: folder.repository.path, name: 'crm' }));
    },
  );

  it("is no one else's where the record of it is damaged", async () => {
    await using folder = await archiveFolder();
    const begun = { ...DEFAULT, name: folder.lineage.name };
    await writeFile(folder.repository.archiverRecordPath(begun.name), '{');
    const free = likelyFreeId({ repositoryPath: folder.repository.path, name: begun.name });
    expect(await keep(folder, begun)).toBe(free);
    expect(await keep(folder, begun)).toBe(free);
  });
});
