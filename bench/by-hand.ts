import { findProgram, runTool } from '../src/platform/child-process.ts';
import { shellWord } from '../src/platform/shell-word.ts';
import { makeTempDirectory } from '../src/platform/temp-dir.ts';
import { writeOptionFile } from '../src/server/option-file.ts';
import type { ServerOptions } from '../src/server/server-options.ts';

/** What a person does without us: `mariadb-binlog FILES | mariadb`. */
export async function pipeLog(
  login: ServerOptions,
  files: readonly string[],
  { fromPosition = 4 }: { fromPosition?: number } = {},
): Promise<void> {
  await pipeToClient(login, [findProgram(['mariadb-binlog']), `--start-position=${fromPosition}`, ...files]);
}

/** What a person does without us: `zstd -dc FILE | mariadb`. */
export async function pipeDump(login: ServerOptions, file: string): Promise<void> {
  await pipeToClient(login, [findProgram(['zstd']), '-dcq', file]);
}

/** By a shell: with us in between the pipe would be slower. */
async function pipeToClient(login: ServerOptions, command: readonly string[]): Promise<void> {
  await using folder = await makeTempDirectory('lastgood-bench-');
  await using optionFile = await writeOptionFile(login, folder.path);
  const client = [findProgram(['mariadb']), `--defaults-file=${optionFile.path}`, '--binary-mode'];
  await runTool({
    program: findProgram(['bash']),
    args: [
      '-o',
      'pipefail',
      '-c',
      `${command.map(shellWord).join(' ')} | ${[...client, '--max-allowed-packet=1G'].map(shellWord).join(' ')}`,
    ],
  });
}
