import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findLeftScratch, scratchFolder } from '../../../src/operations/scratch-folder.ts';
import { findProcesses } from '../../../src/platform/other-processes.ts';
import { FOLDER_LOCK, serverMark } from '../../../src/recovery/server-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { ownTempFolder } from '../../support/own-temp-folder.ts';

const HOLDER = join(import.meta.dirname, '../../support/lock-holder.ts');

const temporary = ownTempFolder();

/** As a salvage has it: a data folder with its lock. @returns a way to kill its maker */
async function begun(name: string): Promise<{ folder: string; datadir: string; kill: () => Promise<void> }> {
  const folder = join(temporary.path, name);
  const datadir = join(folder, 'data');
  await mkdir(datadir, { recursive: true });
  await writeFile(join(datadir, 'ibdata1'), 'rows');
  const maker = fork(HOLDER, [join(datadir, FOLDER_LOCK)], { execArgv: ['--import', 'tsx'] });
  await once(maker, 'message');
  const kill = async (): Promise<void> => {
    maker.kill('SIGKILL');
    await once(maker, 'exit');
  };
  return { folder, datadir, kill };
}

/** Stands for the server on the folder: it has its argument, and lives on. */
async function startServer(datadir: string): Promise<number> {
  const script = 'process.stdin.resume(); console.log("ready")';
  const child = spawn(process.execPath, ['-e', script, '--', serverMark(datadir).argument], { stdio: 'pipe' });
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}

it.each(['salvage', 'rehearsal'] as const)(
  'finds and removes what a killed %s has left, server and all',
  async (maker) => {
    const { folder, datadir, kill } = await begun(`lastgood-${maker}-aB12cd`);
    const pid = await startServer(datadir);
    await kill();
    expect(await findLeftScratch()).toMatchObject([{ maker, folder, pid }]);

    await using place = await scratchFolder(undefined, { maker: 'salvage', log: silentLog });
    expect(findProcesses(serverMark(datadir))).toEqual([]);
    await expect(access(folder)).rejects.toThrow('ENOENT');
    expect(await findLeftScratch()).toEqual([]);
    const names = (await readdir(temporary.path)).filter((name) => name.startsWith('lastgood-'));
    expect(names.map((name) => join(temporary.path, name, 'data'))).toEqual([place.datadir]);
  },
);

it('leaves alone what is at work, here or in another container, what has no lock, what is a link, and other names', async () => {
  const working = await begun('lastgood-salvage-atwork');
  const elsewhere = await begun('backup-of-something');
  await elsewhere.kill();
  const contained = await begun('lastgood-salvage-container');
  await contained.kill();
  const lock = join(contained.datadir, FOLDER_LOCK);
  const held = JSON.parse(await readFile(lock, 'utf8')) as object;
  await writeFile(lock, JSON.stringify({ ...held, pidNamespace: 'pid:[1]' }));
  await mkdir(join(temporary.path, 'lastgood-salvage-nolock', 'data'), { recursive: true });
  await symlink(elsewhere.folder, join(temporary.path, 'lastgood-salvage-alink'));
  const before = (await readdir(temporary.path)).sort();

  expect(await findLeftScratch()).toEqual([]);
  {
    await using _place = await scratchFolder(join(temporary.path, 'given'), { maker: 'rehearsal', log: silentLog });
  }
  expect((await readdir(temporary.path)).sort()).toEqual(before);
  await access(join(working.datadir, 'ibdata1'));
  await working.kill();
});
