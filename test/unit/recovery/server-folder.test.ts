import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { writeRestoreNote, type RestorePhase } from '../../../src/recovery/restore-note.ts';
import { requireEmpty } from '../../../src/recovery/server-folder.ts';

async function note(datadir: string, phase: RestorePhase): Promise<void> {
  await mkdir(join(datadir, '.tmp'));
  const restore = {
    backup: 'b',
    lineage: 'shop-1a2b',
    target: 'binlog.000001:4',
    startedAt: '',
    plan: null,
    run: null,
    result: null,
  };
  await writeRestoreNote(datadir, { format: 2, phase, ...restore });
}

describe('requireEmpty', () => {
  it('takes an empty folder and one that does not exist', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await requireEmpty(folder.path);
    await requireEmpty(join(folder.path, 'none'));
  });

  it.each<[RestorePhase, string]>([
    ['loading', 'holds an interrupted restore (loading the backup)'],
    ['replaying', 'holds an interrupted restore (replaying the archive)'],
    ['proving', 'holds an interrupted restore (proving the result)'],
    ['failed', 'holds a restore that failed its proof'],
    ['proven', 'holds a proven restore that was not handed over'],
    ['done', "is not empty: it holds '.tmp'"],
  ])('tells what a restore left in phase %s', async (phase, message) => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await note(folder.path, phase);
    await expect(requireEmpty(folder.path)).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: `'${folder.path}' ${message}`,
    });
  });

  it('tells how to go on in words of a shell', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    for (const phase of ['loading', 'proven'] as const) {
      const datadir = join(folder.path, `my ${phase} restore`);
      await mkdir(datadir);
      await note(datadir, phase);
      await expect(requireEmpty(datadir)).rejects.toMatchObject({
        hint: expect.stringContaining(`\`lastgood restore --resume --datadir '${datadir}'\``) as string,
      });
    }
  });

  it('names the server of an interrupted restore that still runs', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await note(folder.path, 'loading');
    const script = 'process.stdin.resume(); console.log("ready")';
    const child = spawn(process.execPath, ['-e', script, '--', `--datadir=${folder.path}`], { stdio: 'pipe' });
    const exited = once(child, 'exit');
    try {
      await once(child.stdout, 'data');
      const pid = child.pid ?? 0;
      await writeFile(join(folder.path, 'server.pid'), `${pid}\n`);
      await expect(requireEmpty(folder.path)).rejects.toMatchObject({
        message: `'${folder.path}' holds an interrupted restore (loading the backup), and its server still runs as process ${pid}`,
        hint: expect.stringContaining(`end process ${pid}, remove the folder`) as string,
        details: { pid },
      });
    } finally {
      child.stdin.end();
      await exited;
    }
  });

  it('does not take another process for the server', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await note(folder.path, 'loading');
    await writeFile(join(folder.path, 'server.pid'), `${process.pid}\n`);
    await expect(requireEmpty(folder.path)).rejects.toMatchObject({ details: { pid: null } });
  });
});
