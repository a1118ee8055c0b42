import { openSync, readdirSync, readlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { EarlySync } from '../../../src/archive/early-sync.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { waitFor } from '../../../src/platform/wait.ts';

const MIB = 1024 * 1024;

function openHandles(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === path).length;
}

function linkOf(fd: string): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null; // closed since it was listed
  }
}

it.runIf(process.platform === 'linux')('leaves no handle behind when it is closed while the disk works', async () => {
  await using folder = await makeTempDirectory('lastgood-early-');
  const path = join(folder.path, 'growing');
  const file = openSync(path, 'w');
  const early = new EarlySync(path);
  for (let bytes = MIB; bytes <= 32 * MIB; bytes += MIB) {
    writeSync(file, Buffer.alloc(MIB, bytes));
    early.written(bytes);
  }
  expect(openHandles(path)).toBe(2); // the writer's, and its own
  early.close();
  await waitFor(() => openHandles(path) === 1, { timeoutMs: 30_000, what: 'the handle to be closed' });
});

it('says nothing of a file that is not there: whoever writes it does', () => {
  const early = new EarlySync('/nonexistent/growing');
  early.written(64 * MIB);
  early.close();
});
