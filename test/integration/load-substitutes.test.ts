import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compress } from 'zstd-napi';
import type { BackupRecord } from '../../src/archive/backup-record.ts';
import { loadBackup } from '../../src/recovery/load.ts';
import { startPrimary } from '../support/servers.ts';

const HEAD = "/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\nCREATE DATABASE shop;\nUSE shop;\n";

it('of a backup ends at a table whose engine or key the server lacks, and says so: else it would become another table', async () => {
  await using server = await startPrimary({ args: ['--skip-log-bin'] });
  const folder = join(server.directory, 'backup');
  await mkdir(folder);
  const load = async (sql: string): Promise<void> => {
    const stored = compress(Buffer.from(HEAD + sql));
    await writeFile(join(folder, 'dump.sql.zst'), stored);
    const sha256 = createHash('sha256').update(stored).digest('hex');
    const record = { files: [{ name: 'dump.sql.zst', bytes: stored.length, sha256 }], bytes: stored.length };
    const login = server.serverOptions('target');
    await loadBackup({ record: record as unknown as BackupRecord, folder, login, temporary: folder });
  };
  await using root = await server.connect();

  await expect(load("CREATE TABLE old (a INT) ENGINE=ROCKSDB;\nSELECT '%' DIV 1;\n")).rejects.toMatchObject({
    code: 'PREFLIGHT_FAILED',
    message:
      "the server lacks the storage engine of a table: Unknown storage engine 'ROCKSDB'; Using storage engine InnoDB for table 'old'",
  });
  await root.query('DROP DATABASE shop');
  await expect(load('CREATE TABLE secret (a INT) ENCRYPTED=YES;\n')).rejects.toMatchObject({
    code: 'PREFLIGHT_FAILED',
    message: expect.stringContaining('is encrypted, and the server has no key for it') as string,
  });
  await root.query('DROP DATABASE shop');
  await load("CREATE TABLE new (a INT);\nSELECT '%' DIV 1;\nINSERT INTO new VALUES (7);\n"); // a warning is none
  expect(await root.query('SELECT a FROM shop.new')).toEqual([{ a: 7 }]);
});
