import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { replay } from '../../src/recovery/replay.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { silentLog } from '../support/archiver.ts';
import { readInPieces } from '../support/binlog-reading.ts';
import { servedFile } from '../support/served-files.ts';
import { startPrimary } from '../support/servers.ts';

async function columns(connection: ServerConnection): Promise<string[]> {
  const rows = await connection.query<{ Field: string }>('SHOW COLUMNS FROM shop.item');
  return rows.map(({ Field }) => Field);
}

describe.each([
  ['one applier', []],
  ['several appliers', ['--slave-parallel-threads=4', '--slave-parallel-mode=optimistic']],
])('a two-phase ALTER replayed by %s', (_, args) => {
  it('is not done by a cut between its halves, and holds nothing that waits for the other half', async () => {
    await using primary = await startPrimary();
    await using source = await primary.connect();
    const statements = ['CREATE DATABASE shop', 'CREATE TABLE shop.item (id INT PRIMARY KEY)'];
    const alter = ['SET binlog_alter_two_phase = 1', 'ALTER TABLE shop.item ADD COLUMN name INT'];
    for (const statement of [...statements, ...alter]) await source.query(statement);
    const path = join(primary.datadir, 'binlog.000001');
    const { groups } = readInPieces(await readFile(path)).heard;
    expect(groups.map(({ gtid }) => gtid)).toEqual([1, 2, 3, 4].map((sequence) => `0-101-${sequence}`));

    await using scratch = await startPrimary({ serverId: 900, args: ['--skip-log-bin', ...args] });
    await using target = await scratch.connect();
    const identity = { flavor: 'mariadb', serverVersion: source.version, serverId: 101, gtidState: '' } as const;
    const [, , start] = groups;
    const half = await servedFile(path, { to: start?.end ?? 0 });
    await replay({ target, identity, ranges: [half], log: silentLog });
    expect(await columns(target)).toEqual(['id']);
    await target.query('SET lock_wait_timeout = 1');
    await target.query('ALTER TABLE shop.item ADD COLUMN other INT');
    expect(await columns(target)).toEqual(['id', 'other']);
  });
});
