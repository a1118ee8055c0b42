import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BackupState } from '../../src/backup/applying-pause.ts';
import { findInterruptedBackups } from '../../src/backup/interrupted-backups.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { gateDump, type GatedDump } from '../support/gated-dump.ts';
import { startPrimary } from '../support/servers.ts';

const RUNNER = join(import.meta.dirname, '../support/backup-runner.ts');

/** Runs a backup in a process of its own and kills that while the dump stands still, and applying as its marker says. */
async function killBackup(
  { settings, repository }: BackupScene,
  gate: GatedDump,
  applying: BackupState['applying'] = 'stopped',
): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', RUNNER, JSON.stringify(settings)], { stdio: 'ignore' });
  await gate.waiting();
  const marked = async (): Promise<boolean> => {
    const [backup] = await findInterruptedBackups(join(repository.path, 'backups'));
    return backup?.state?.applying === applying;
  };
  await waitFor(marked, { timeoutMs: 10_000, what: `the marker to say that applying is ${applying}` });
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function unfinished({ repository }: BackupScene): Promise<string[]> {
  return (await readdir(join(repository.path, 'backups'))).filter((name) => name.endsWith('.partial'));
}

describe('a backup that was killed while applying was stopped', () => {
  it('is put right by the next one', async () => {
    await using scene = await setBackupScene();
    {
      await using gate = await gateDump({ phase: 'server', afterBytes: 10 });
      await killBackup(scene, gate);
    }
    expect(await scene.applies()).toBe(false);
    expect(await unfinished(scene)).toHaveLength(1);
    expect(await scene.repository.backups()).toEqual({ records: [], unreadable: [] });

    const record = await scene.backup();
    expect(await scene.applies()).toBe(true);
    expect(await unfinished(scene)).toEqual([]);
    expect(await scene.repository.backups()).toEqual({ records: [record], unreadable: [] });
  });

  it('is not put right on another server than the one it stopped', async () => {
    await using scene = await setBackupScene();
    {
      await using gate = await gateDump({ phase: 'server', afterBytes: 10 });
      await killBackup(scene, gate);
    }
    await using other = await startPrimary({ serverId: 103 });
    const settings = { ...scene.settings, replica: other.serverOptions('replica') };
    await expect(scene.backupWith(settings)).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringContaining(`left applying stopped on server 102 (${scene.pair.replica.socket})`) as string,
    });
    expect(await unfinished(scene)).toHaveLength(1);
  });

  it('does not make the next one start an applier that people stopped after it had started again', async () => {
    await using scene = await setBackupScene();
    await using primary = await scene.pair.primary.connect();
    await run(primary, [
      'CREATE DATABASE a',
      'CREATE TABLE a.t (body LONGTEXT)',
      "INSERT INTO a.t VALUES (REPEAT('x', 900000))",
    ]);
    await scene.pair.caughtUp();
    {
      await using gate = await gateDump({ phase: 'schemas', afterBytes: 50_000 });
      await killBackup(scene, gate, 'running');
    }
    await using replica = await scene.pair.replica.connect();
    await run(replica, ['STOP SLAVE SQL_THREAD']);
    await expect(scene.backup()).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' });
    expect(await scene.applies()).toBe(false);
    expect(await unfinished(scene)).toEqual([]);
  });
});

describe('a backup that is interrupted', () => {
  it.each(['server', 'schemas'] as const)(
    'starts applying again and leaves nothing (in the dump of the %s)',
    async (phase) => {
      await using scene = await setBackupScene();
      await using primary = await scene.pair.primary.connect();
      await run(primary, [
        'CREATE DATABASE a',
        'CREATE TABLE a.t (body LONGTEXT)',
        "INSERT INTO a.t VALUES (REPEAT('x', 900000))",
      ]);
      await scene.pair.caughtUp();
      await using gate = await gateDump({ phase, afterBytes: 10 });
      const controller = new AbortController();
      const backup = scene.backup(controller.signal);
      backup.catch(() => undefined);
      await gate.waiting();
      expect(await scene.applies()).toBe(false);
      controller.abort();
      await expect(backup).rejects.toMatchObject({ code: 'INTERRUPTED' });
      expect(await scene.applies()).toBe(true);
      expect(await unfinished(scene)).toEqual([]);
    },
  );

  it('waits for a replica that restarts just then', async () => {
    await using scene = await setBackupScene();
    await using gate = await gateDump({ phase: 'server', afterBytes: 10 });
    const backup = scene.backup();
    backup.catch(() => undefined);
    await gate.waiting();
    await scene.pair.replica.kill();
    await gate.open();
    await scene.pair.replica.restart();
    await expect(backup).rejects.toThrow();
    await waitFor(() => scene.applies(), { timeoutMs: 10_000, what: 'the replica to apply again' });
    expect(await unfinished(scene)).toEqual([]);
  });

  it('does not run beside another one', async () => {
    await using scene = await setBackupScene();
    await using gate = await gateDump({ phase: 'server', afterBytes: 10 });
    const first = scene.backup();
    await gate.waiting();
    await expect(scene.backup()).rejects.toMatchObject({ code: 'LOCKED' });
    await gate.open();
    await first;
  });
});
