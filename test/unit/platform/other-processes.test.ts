import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { endProcesses, findProcesses } from '../../../src/platform/other-processes.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { waitFor } from '../../../src/platform/wait.ts';

async function start(argument: string, script: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', `${script}; console.log("ready")`, '--', argument], { stdio: 'pipe' });
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}

it('finds the processes with exactly an argument, and ends them', async () => {
  const argument = `--datadir=/nowhere/${randomUUID()}`;
  const mine = await start(argument, 'process.stdin.resume()');
  const other = await start(`${argument}2`, 'process.stdin.resume()');

  expect(findProcesses({ argument })).toEqual([mine]);
  await endProcesses({ argument }, { signal: 'SIGTERM', timeoutMs: 5000 });
  expect(findProcesses({ argument })).toEqual([]);
  expect(findProcesses({ argument: `${argument}2` })).toEqual([other]);
  await endProcesses({ argument: `${argument}2` }, { signal: 'SIGKILL', timeoutMs: 5000 });
});

it('says which do not end in time', async () => {
  const argument = `--datadir=/nowhere/${randomUUID()}`;
  await start(argument, 'process.on("SIGTERM", () => 0); process.stdin.resume()');
  const ending = endProcesses({ argument }, { signal: 'SIGTERM', timeoutMs: 300 });
  await expect(ending).rejects.toThrow(`in vain for the processes with '${argument}' to end`);
  await endProcesses({ argument }, { signal: 'SIGKILL', timeoutMs: 5000 });
});

/** Under the name of a server, in the folder that a server would work in. */
async function startNamed(name: string, cwd: string): Promise<number> {
  const program = join(cwd, name);
  await copyFile('/bin/sleep', program);
  await chmod(program, 0o700);
  const child = spawn(program, ['600'], { cwd, stdio: 'ignore' });
  await once(child, 'spawn');
  return child.pid ?? 0;
}

it('finds a program by the folder that it works in, whatever path leads there, and no other one', async () => {
  await using folder = await makeTempDirectory('lastgood-unit-');
  const [data, link] = [join(folder.path, 'data'), join(folder.path, 'link')];
  await mkdir(data);
  await symlink(data, link);
  const argument = `--datadir=${link}`;
  const program = { name: /^mariadbd/, folder: link, argument: '--none', pidFile: join(data, 'server.pid') };
  const server = await startNamed('mariadbd', data);
  const other = await startNamed('editor', data);
  const elsewhere = await startNamed('mariadbd-too', folder.path);
  try {
    await waitFor(() => findProcesses({ argument, program }).length > 0, { timeoutMs: 5000, what: 'the program' });
    expect(findProcesses({ argument, program })).toEqual([server]);
    expect(findProcesses({ argument })).toEqual([]);
    await endProcesses({ argument, program }, { signal: 'SIGTERM', timeoutMs: 5000 });
    expect(findProcesses({ argument, program })).toEqual([]);
    process.kill(other, 0);
  } finally {
    for (const pid of [other, elsewhere]) process.kill(pid, 'SIGKILL');
  }
});
