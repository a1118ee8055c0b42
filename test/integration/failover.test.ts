import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Lineage } from '../../src/archive/lineage.ts';
import { compareCoordinates } from '../../src/binlog/coordinates.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { listLineages } from '../../src/operations/lists.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import { readReplicaStatus } from '../../src/server/replica-status.ts';
import { archiveUntilCurrent, primarySettings, silentLog, startArchiver } from '../support/archiver.ts';
import {
  differences,
  movingAddress,
  newRepository,
  openLineages,
  PLAIN,
  problems,
  run,
  waitForGtid,
} from '../support/lineages.ts';
import { REPLICATION_USER, startPair, type Pair } from '../support/pair.ts';
import type { TestServer } from '../support/servers.ts';

async function promote(replica: TestServer): Promise<void> {
  await run(replica, 'STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = 0');
}

async function createInDomain(server: TestServer, domain: number, name: string): Promise<void> {
  await run(server, `SET gtid_domain_id = ${domain}`, `CREATE DATABASE ${name}`);
}

describe('failover of a MariaDB pair with two domains', () => {
  let pair: Pair;

  beforeAll(async () => {
    pair = await startPair({ primaryArgs: ['--log-slave-updates'] });
  });

  afterAll(async () => {
    await pair[Symbol.asyncDispose]();
  });

  it('is followed by GTID while archiving, and fail-back with reused names too; zombie writes are reported, not mixed in (peers 24: mariadb-operator #1815)', async () => {
    const { primary, replica } = pair;
    const path = newRepository(replica);
    const address = movingAddress(primary);
    await using archiver = startArchiver(primary, path, { ...PLAIN, primary: address.settings });
    await createInDomain(primary, 7, 'in_seven');
    await createInDomain(primary, 0, 'in_zero');
    await pair.caughtUp();
    await waitForGtid(path, '0-101-3,7-101-1');
    // The old primary goes on alone, and what it writes then reaches the archive only.
    await run(replica, 'STOP SLAVE');
    await createInDomain(primary, 0, 'only_on_the_old_one');
    await createInDomain(primary, 7, 'this_too');
    await waitForGtid(path, '0-101-4,7-101-2');
    await promote(replica);
    await createInDomain(replica, 0, 'on_the_new_one');
    address.at = replica;
    await primary.kill();
    await waitForGtid(path, '0-102-4,7-101-1');

    const after = await openLineages(path);
    const [first, second] = after.lineages;
    expect(second).toMatchObject({
      parent: first?.id,
      serverId: 102,
      handOver: { gtidState: '0-101-3,7-101-1', stranded: 2 },
    });
    expect(await after.repository.ledger.entries()).toMatchObject([
      { kind: 'stranded', lineage: first?.id, groups: 2, firstGtid: '0-101-4', lastGtid: '7-101-2' },
    ]);
    expect(await differences(path, replica)).toEqual([]);

    // Fail-back: the old primary, emptied, was made a replica of the new one; its file names begin again.
    await primary.restart();
    await run(primary, 'RESET MASTER', "SET GLOBAL gtid_slave_pos = '0-102-4,7-101-1'");
    const { user, password } = REPLICATION_USER;
    await run(
      primary,
      `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${replica.port}, MASTER_USER='${user}', MASTER_PASSWORD='${password}', MASTER_USE_GTID=slave_pos`,
    );
    await run(primary, 'START SLAVE');
    await createInDomain(replica, 7, 'seven_again');
    await createInDomain(replica, 0, 'zero_again');
    await waitForGtid(path, '0-102-5,7-102-2');
    await using connection = await primary.connect();
    await waitFor(
      async () =>
        (await connection.query<{ pos: string }>('SELECT @@gtid_slave_pos AS pos'))[0]?.pos === '0-102-5,7-102-2',
      { timeoutMs: 30_000, what: 'the old primary to have applied everything' },
    );
    await promote(primary);
    await createInDomain(primary, 0, 'back_again');
    await replica.kill();
    address.at = primary;
    await waitForGtid(path, '0-101-6,7-102-2');
    const { warnings } = await archiver.stop();
    const { repository, lineages } = await openLineages(path);
    expect(lineages.map(({ id, serverId, parent }) => ({ id, serverId, parent }))).toMatchObject([
      { id: first?.id, serverId: 101 },
      { id: second?.id, serverId: 102, parent: first?.id },
      { serverId: 101, parent: second?.id },
    ]);
    expect(lineages[2]).toMatchObject({
      firstFile: 'binlog.000001',
      handOver: { gtidState: '0-102-5,7-102-2', stranded: 0 },
    });
    expect(await repository.ledger.entries()).toHaveLength(1);
    expect(warnings).toEqual([
      `2 transactions are only in lineage '${first?.id ?? ''}', GTIDs 0-101-4 to 7-101-2: they were archived from the old primary and never reached the new one; lineage '${second?.id ?? ''}' goes on without`,
    ]);
    expect(await differences(path, primary)).toEqual([]);
    expect(await problems(path)).toEqual([]);
    using archive = await openArchive(path, { log: silentLog });
    expect(listLineages(archive).map(({ handOver }) => handOver?.stranded)).toEqual([undefined, 2, 0]);
  });
});

it('what a replica with writes of its own has received and not yet applied is waited for, not called lost', async () => {
  await using pair = await startPair();
  const { primary, replica } = pair;
  const path = newRepository(replica);
  await run(primary, 'CREATE DATABASE shop', 'CREATE TABLE shop.t (id INT PRIMARY KEY)');
  await pair.caughtUp();
  await run(replica, 'CREATE DATABASE of_its_own');
  await using locking = await replica.connect();
  await locking.query('LOCK TABLES shop.t WRITE');
  await run(primary, 'INSERT INTO shop.t VALUES (1)', 'INSERT INTO shop.t VALUES (2)');
  await archiveUntilCurrent(primary, path, PLAIN);
  await using asking = await replica.connect();
  await using fromPrimary = await primary.connect();
  const { coordinates } = await readBinlogEnd(fromPrimary);
  const hasReceived = async (): Promise<boolean> => {
    const received = (await readReplicaStatus(asking))?.received ?? null;
    return received !== null && compareCoordinates(received, coordinates) >= 0;
  };
  await waitFor(hasReceived, { timeoutMs: 30_000, what: 'the replica to receive everything' });
  const options = { ...PLAIN, primary: primarySettings(replica) };
  await expect(archiveUntilCurrent(replica, path, options)).rejects.toMatchObject({
    code: 'LINEAGE_MISMATCH',
    message: expect.stringContaining('is a replica that lacks the last 2 transactions') as string,
  });
  await locking.query('UNLOCK TABLES');
  await pair.caughtUp();
  expect(await archiveUntilCurrent(replica, path, options)).toMatchObject({ warnings: [] });
  const { repository, lineages } = await openLineages(path);
  expect(lineages[1]).toMatchObject({ serverId: 102, handOver: { stranded: 0 } });
  expect(await repository.ledger.entries()).toEqual([]);
});

describe('failover of a MySQL 5.6 pair', () => {
  it('is followed by GTID sets to a server with other files, once it has applied what it received (peers 26: PXCO #2354, peers 30: WAL-G #2497)', async () => {
    await using pair = await startPair({ flavor: 'mysql' });
    const { primary, replica } = pair;
    const path = newRepository(replica);
    await run(primary, 'CREATE DATABASE a', 'FLUSH BINARY LOGS', 'CREATE DATABASE b');
    await pair.caughtUp();
    await run(replica, 'STOP SLAVE SQL_THREAD');
    await run(primary, 'CREATE DATABASE c');
    await archiveUntilCurrent(primary, path, PLAIN);
    const options = { ...PLAIN, primary: primarySettings(replica) };
    await expect(archiveUntilCurrent(replica, path, options)).rejects.toMatchObject({
      code: 'LINEAGE_MISMATCH',
      message: expect.stringMatching(
        /is a replica that lacks the last transaction of lineage 'shop-[0-9a-f]{8}' so far$/,
      ) as string,
    });
    // A service waits for it instead.
    const told: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => told.push(line) });
    await using archiver = startArchiver(replica, path, { ...options, log });
    await waitFor(() => told.some((line) => line.includes('so far')), {
      timeoutMs: 30_000,
      what: 'the archiver to wait',
    });
    await promote(replica);
    await run(replica, 'CREATE DATABASE on_the_new_one');
    await waitFor(async () => (await openLineages(path)).lineages.length > 1, {
      timeoutMs: 30_000,
      what: 'a second lineage',
    });
    const { warnings } = await archiver.stop();
    const { gtid } = await archiveUntilCurrent(replica, path, options);
    const { repository, lineages } = await openLineages(path);
    const [first, second] = lineages as [Lineage, Lineage];
    const old = first.serverUuid ?? '';
    expect(second).toMatchObject({ parent: first.id, handOver: { gtidState: `${old}:1-4`, stranded: 1 } });
    expect(second.serverUuid).not.toBe(old);
    expect(gtid).toContain(`${second.serverUuid ?? ''}:1`);
    expect(warnings).toEqual([
      expect.stringContaining(`1 transaction is only in lineage '${first.id}', GTID ${old}:5`),
    ]);
    expect((await repository.ledger.entries()).map(({ kind }) => kind)).toEqual(['stranded']);
    expect(await differences(path, replica)).toEqual([]);
    // The old primary comes back with writes of its own: from the place that both had, each has gone its own way.
    await run(primary, 'CREATE DATABASE on_the_zombie');
    const zombie = await archiveUntilCurrent(primary, path, PLAIN);
    expect(zombie).toMatchObject({
      gtid: `${old}:1-6`,
      warnings: [expect.stringContaining(`only in lineage '${second.id}'`)],
    });
    expect((await openLineages(path)).lineages.at(-1)).toMatchObject({
      parent: second.id,
      handOver: { gtidState: `${old}:1-4`, stranded: 1 },
    });
    expect(await differences(path, primary)).toEqual([]);
  });
});
