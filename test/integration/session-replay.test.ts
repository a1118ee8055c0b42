import { describe, expect, it } from 'vitest';
import { replayInSession } from '../../src/recovery/session/replay-in-session.ts';
import { replay } from '../../src/recovery/replay.ts';
import type { ServedIdentity } from '../../src/server/served-range.ts';
import { silentLog } from '../support/archiver.ts';
import { MARIADB_SOURCE } from '../support/served-identity.ts';
import { asDisabled, serverContent } from '../support/server-content.ts';
import { servedLog } from '../support/served-files.ts';
import { startMysql56, startPrimary } from '../support/servers.ts';
import { writeStatementForms } from '../support/statement-forms.ts';

const identity = MARIADB_SOURCE;
const PACKETS = '--max-allowed-packet=64M';

describe('replay in a session of a source that', () => {
  it('compresses its events, and was started anew between two files', async () => {
    const durable = '--innodb-flush-log-at-trx-commit=1';
    const args = ['--log-bin-compress=ON', '--log-bin-compress-min-len=10', durable];
    await using primary = await startPrimary({ args });
    {
      await using writer = await primary.connect();
      const create = ['CREATE DATABASE shop', 'CREATE TABLE shop.item (id INT PRIMARY KEY, name TEXT)'];
      const rows = ["INSERT INTO shop.item VALUES (1, REPEAT('long ', 4000))", "SET binlog_format = 'STATEMENT'"];
      const text = `INSERT INTO shop.item VALUES (2, '${'text '.repeat(1000)}')`;
      const temporary = ['CREATE TEMPORARY TABLE shop.mine (id INT)', 'INSERT INTO shop.mine VALUES (7)'];
      for (const statement of [...create, ...rows, text, ...temporary]) await writer.query(statement);
      await primary.kill(); // no DROP of the temporary table is logged: what it holds is gone with the server
    }
    await primary.restart();
    await using writer = await primary.connect();
    for (const statement of ["SET binlog_format = 'STATEMENT'", 'CREATE TEMPORARY TABLE shop.mine (id INT)'])
      await writer.query(statement);
    await writer.query('INSERT INTO shop.item SELECT id, NULL FROM shop.mine');
    await writer.query("INSERT INTO shop.item VALUES (3, 'after the start')");
    const ranges = await servedLog(writer, primary.datadir);

    await using scratch = await startPrimary({ serverId: 900, args: ['--skip-log-bin'] });
    await using target = await scratch.connect();
    await replayInSession({ target, identity, ranges, keepsPlace: true, log: silentLog });

    expect(await serverContent(target)).toEqual(await serverContent(writer));
  });
});

describe('replay in a session', () => {
  it.each(['ROW', 'MIXED', 'STATEMENT'] as const)('gives what an applier gives, format %s', async (format) => {
    await using primary = await startPrimary({ args: [PACKETS] });
    await writeStatementForms(primary, format);
    await using writer = await primary.connect();
    const ranges = await servedLog(writer, primary.datadir);

    await using byApplier = await startPrimary({ serverId: 900, args: ['--skip-log-bin', PACKETS] });
    await using applied = await byApplier.connect();
    const expected = await replay({ target: applied, identity, ranges, log: silentLog });
    await using bySession = await startPrimary({ serverId: 901, args: ['--skip-log-bin'] });
    await using target = await bySession.connect();
    const replayed = await replayInSession({ target, identity, ranges, keepsPlace: true, log: silentLog });

    const { executed, ...rest } = replayed;
    expect(rest).toEqual({ groups: expected.groups, gtidState: expected.gtidState });
    expect(executed).toEqual({ file: ranges.at(-1)?.file, position: ranges.at(-1)?.to });
    expect(asDisabled(await serverContent(target))).toEqual(asDisabled(await serverContent(applied)));
    expect(await serverContent(target)).toEqual(await serverContent(writer));
  });

  it.each([
    ['GTIDs', 'MIXED', []],
    ['GTIDs', 'ROW', []],
    ['no GTIDs', 'STATEMENT', ['--skip-gtid-mode', '--skip-enforce-gtid-consistency']],
  ] as const)('gives what a MySQL 5.6 source with %s wrote, format %s', async (_, format, args) => {
    await using primary = await startMysql56({ args: [PACKETS, ...args] });
    await writeStatementForms(primary, format);
    await using writer = await primary.connect();
    const ranges = await servedLog(writer, primary.datadir);
    const source: ServedIdentity = { ...identity, flavor: 'mysql', serverVersion: '5.6.24-log' };

    await using other = await startMysql56({ serverId: 900, args: [...args] });
    await using target = await other.connect();
    const replayed = await replayInSession({ target, identity: source, ranges, log: silentLog });

    expect(await serverContent(target)).toEqual(await serverContent(writer));
    const [row] = await writer.query<{ state: string }>('SELECT @@GLOBAL.gtid_executed AS state');
    expect(replayed.gtidState).toBe(row?.state);
  });
});
