import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { runLastgood } from '../cli/run-lastgood.ts';
import { damagedLog } from './log-case.ts';

const FILES = 30;

/** One of the built program takes as long as thousands of the others. */
interface ScanDocument {
  readonly files: readonly { readonly problems: readonly unknown[] }[];
}

/**
 * `lastgood scan` over a folder of damaged files: it says what it found in each, and 3 is its exit code if anything is wrong.
 * @throws Error for what must not happen
 */
export async function scanCase(seed: number): Promise<void> {
  await using folder = await makeTempDirectory('lastgood-fuzz-');
  for (let index = 1; index <= FILES; index += 1) {
    const bytes = damagedLog(seed + index);
    await writeFile(join(folder.path, `binlog.${String(index).padStart(6, '0')}`), bytes);
  }
  const shown = await runLastgood(['scan', folder.path]);
  const { exitCode, stdout, stderr } = await runLastgood(['scan', '--json', folder.path]);
  if (stderr !== '' || shown.exitCode !== exitCode)
    throw new Error(`exit codes ${exitCode ?? '-'} and ${shown.exitCode ?? '-'}, and: ${stderr}`);
  const { files } = JSON.parse(stdout) as ScanDocument;
  const expected = files.some(({ problems }) => problems.length > 0) ? 3 : 0;
  if (exitCode !== expected || files.length === 0)
    throw new Error(`exit code ${exitCode ?? '-'} with ${files.length} files`);
}
