import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { endProcesses, findProcesses } from '../../../src/platform/other-processes.ts';

async function start(argument: string, script: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', `${script}; console.log("ready")`, '--', argument], { stdio: 'pipe' });
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}

it('finds the processes with exactly an argument, and ends them', async () => {
  const argument = `--datadir=/nowhere/${randomUUID()}`;
  const mine = await start(argument, 'process.stdin.resume()');
  const other = await start(`${argument}2`, 'process.stdin.resume()');

  expect(findProcesses(argument)).toEqual([mine]);
  await endProcesses(argument, { signal: 'SIGTERM', timeoutMs: 5000 });
  expect(findProcesses(argument)).toEqual([]);
  expect(findProcesses(`${argument}2`)).toEqual([other]);
  await endProcesses(`${argument}2`, { signal: 'SIGKILL', timeoutMs: 5000 });
});

it('says which do not end in time', async () => {
  const argument = `--datadir=/nowhere/${randomUUID()}`;
  await start(argument, 'process.on("SIGTERM", () => 0); process.stdin.resume()');
  const ending = endProcesses(argument, { signal: 'SIGTERM', timeoutMs: 300 });
  await expect(ending).rejects.toThrow(`in vain for the processes with '${argument}' to end`);
  await endProcesses(argument, { signal: 'SIGKILL', timeoutMs: 5000 });
});
