import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { DecompressStream } from 'zstd-napi';
import type { BackupRecord } from '../../src/archive/backup-record.ts';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import type { LocalServer } from '../../src/server/local-server.ts';

/** Loads a backup's files, in their order, into an empty server, as an account that no backup holds. */
export async function loadBackup(
  server: LocalServer,
  folder: string,
  record: Pick<BackupRecord, 'files'>,
): Promise<void> {
  {
    await using root = await server.connect();
    await root.query("CREATE USER IF NOT EXISTS loader@localhost IDENTIFIED BY ''");
    await root.query('GRANT ALL ON *.* TO loader@localhost WITH GRANT OPTION');
    await root.query("GRANT PROXY ON ''@'%' TO loader@localhost WITH GRANT OPTION");
  }
  for (const { name } of record.files) {
    await runTool({
      program: findProgram(['mariadb']),
      args: ['--no-defaults', `--socket=${server.socket}`, '--user=loader', '--binary-mode'],
      input: createReadStream(join(folder, name)).pipe(new DecompressStream()),
    });
  }
}
