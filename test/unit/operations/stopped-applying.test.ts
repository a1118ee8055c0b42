import { mkdir, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { partialFolder } from '../../../src/backup/interrupted-backups.ts';
import { backupLockPath } from '../../../src/operations/backup.ts';
import { findStoppedApplying } from '../../../src/operations/stopped-applying.ts';
import { acquireLock } from '../../../src/platform/lock.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';

async function leave({ repository }: ArchiveFolder, applying: 'stopped' | 'running'): Promise<void> {
  const folder = partialFolder(repository.backupFolder('20261122-101500-3f9a'));
  const server = { name: 'replica', reachedAt: '127.0.0.1:3306', serverId: 102 };
  await mkdir(folder);
  await writeFile(`${folder}/state.json`, JSON.stringify({ format: 1, startedAt: '', applying, server }));
}

describe('findStoppedApplying', () => {
  it('tells of an interrupted backup that left applying stopped', async () => {
    await using folder = await archiveFolder();
    await leave(folder, 'stopped');
    expect(await findStoppedApplying(folder.repository)).toEqual([
      {
        severity: 'error',
        check: 'interrupted backup',
        object: 'replica',
        found: '20261122-101500-3f9a was interrupted and left applying stopped on server 102 (127.0.0.1:3306)',
        fix: 'Run `lastgood backup` or `lastgood doctor`: either starts it again.',
      },
    ]);
  });

  it('says nothing of a backup at work, nor of one that had started applying again', async () => {
    await using folder = await archiveFolder();
    await leave(folder, 'stopped');
    {
      await using _lock = await acquireLock(backupLockPath(folder.repository), 'backup');
      expect(await findStoppedApplying(folder.repository)).toEqual([]);
    }
    await using other = await archiveFolder();
    await leave(other, 'running');
    expect(await findStoppedApplying(other.repository)).toEqual([]);
  });
});
