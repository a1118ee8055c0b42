import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { readSemiSync, type SemiSyncSource } from '../../src/server/semi-sync.ts';
import { findSemiSyncProblems } from '../../src/operations/semi-sync.ts';
import { archiveUntilCurrent, primarySettings, repositoryBeside, startArchiver } from '../support/archiver.ts';
import { startVictim } from '../support/commit-then-kill.ts';
import { holdSyncs } from '../support/held-syncs.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

const SEMI_SYNC = { sync: 'group', semiSync: true, compression: 'none' } as const;

/** Typed as what it stands for. */
const containing = (text: string): string => expect.stringContaining(text) as string;

async function stateOf(connection: ServerConnection): Promise<SemiSyncSource> {
  const state = await readSemiSync(connection);
  if (state === null) throw new Error('the server has no semi-synchronous replication');
  return state;
}

async function waitingCommits(connection: ServerConnection): Promise<number> {
  const [row] = await connection.query<{ Value: string }>("SHOW STATUS LIKE 'Rpl_semi_sync_master_wait_sessions'");
  return Number(row?.Value);
}

describe('a semi-synchronous archiver', () => {
  let server: TestServer;
  let connection: ServerConnection;

  beforeAll(async () => {
    server = await startPrimary();
    connection = await server.connect();
    await connection.query('CREATE DATABASE d');
    await connection.query('CREATE TABLE d.t (id INT PRIMARY KEY) ENGINE=InnoDB');
  });
  afterAll(async () => {
    await connection.close();
    await server[Symbol.asyncDispose]();
  });

  it('is refused by a source that does not wait, with the statement that helps', async () => {
    const refused = startArchiver(server, repositoryBeside(server), { archive: SEMI_SYNC }).ended;
    await expect(refused).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: containing('does not replicate semi-synchronously: rpl_semi_sync_master_enabled is OFF'),
      hint: containing('SET GLOBAL rpl_semi_sync_master_enabled = ON;'),
    });
  });

  it('acknowledges no commit before its fsync has ended (peers 14: go-mysql #921)', async () => {
    await connection.query('SET GLOBAL rpl_semi_sync_master_enabled = ON, GLOBAL rpl_semi_sync_master_timeout = 60000');
    await using archiver = startArchiver(server, repositoryBeside(server), { archive: SEMI_SYNC });
    await using writer = await server.connect();
    await waitFor(async () => (await stateOf(connection)).clients === 1, { timeoutMs: 20_000, what: 'the archiver' });
    await writer.query('INSERT INTO d.t VALUES (1)');
    using syncs = await holdSyncs();
    let committed = false;
    const commit = writer.query('INSERT INTO d.t VALUES (2)').then(() => (committed = true));
    await waitFor(() => syncs.begun > 0, { timeoutMs: 20_000, what: 'the fsync' });
    const waits = async (): Promise<boolean> => (await waitingCommits(connection)) === 1;
    await waitFor(waits, { timeoutMs: 20_000, what: 'the commit to wait' });
    expect(committed).toBe(false);
    syncs.release();
    await commit;
    expect((await stateOf(connection)).active).toBe(true);
    await archiver.stop();
  });

  it('is told when its source no longer waited, by doctor and status too', async () => {
    await using archiver = startArchiver(server, repositoryBeside(server), { archive: SEMI_SYNC });
    await connection.query('INSERT INTO d.t VALUES (30)'); // waits until the archiver is there
    await connection.query('SET GLOBAL rpl_semi_sync_master_timeout = 100');
    const before = (await stateOf(connection)).unacknowledged;
    {
      using _syncs = await holdSyncs();
      await connection.query('INSERT INTO d.t VALUES (3)');
      expect(await stateOf(connection)).toMatchObject({ active: false, unacknowledged: before + 1 });
      const problems = await findSemiSyncProblems(primarySettings(server), true);
      const told = 'commits do not wait at present: rpl_semi_sync_master_status is OFF since one waited too long';
      expect(problems.map(({ found }) => found)).toContain(told);
    }
    await waitFor(async () => (await stateOf(connection)).active, { timeoutMs: 20_000, what: 'commits to wait again' });
    await archiver.stop();
  });

  it('says what to do when nothing is archived yet and the source lists no files, because commits wait', async () => {
    await connection.query('SET GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC');
    await connection.query('SET GLOBAL rpl_semi_sync_master_timeout = 60000');
    for (const state of ['OFF', 'ON']) await connection.query(`SET GLOBAL rpl_semi_sync_master_enabled = ${state}`); // waits anew
    const writers = await Promise.all([server.connect(), server.connect()]);
    const commits = writers.map((writer, n) => writer.query(`INSERT INTO d.t VALUES (${n + 10})`));
    await waitFor(async () => (await waitingCommits(connection)) > 0, { timeoutMs: 20_000, what: 'a commit to wait' });
    const other = join(server.directory, 'other');
    const refused = startArchiver(server, other, { archive: SEMI_SYNC }).ended;
    await expect(refused).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: containing('does not list its binary logs: its commits wait for a semi-synchronous replica'),
      hint: containing(
        'SET GLOBAL rpl_semi_sync_master_enabled = OFF; then run `lastgood archive --until-current`, set it ON',
      ),
    });
    await connection.query('SET GLOBAL rpl_semi_sync_master_enabled = OFF');
    await Promise.all(commits);
    await Promise.all(writers.map((writer) => writer.close()));
    await archiveUntilCurrent(server, other, { archive: SEMI_SYNC });
    await connection.query('SET GLOBAL rpl_semi_sync_master_enabled = ON');
    await using archiver = startArchiver(server, other, { archive: SEMI_SYNC });
    await connection.query('INSERT INTO d.t VALUES (20)');
    expect(await stateOf(connection)).toMatchObject({ active: true, clients: 1 });
    await archiver.stop();
    await connection.query('SET GLOBAL rpl_semi_sync_master_enabled = OFF');
  });

  it('has in its archive what clients saw committed when primary and archiver are killed at once', async () => {
    await using victim = await startVictim();
    for (let round = 1; round <= 5; round += 1) {
      const committed = await victim.round(`round${round}`, 60 * round);
      const archived = await victim.archived();
      expect(committed.filter((id) => !archived.has(id))).toEqual([]);
      expect(committed.length).toBeGreaterThan(0);
    }
  });
});

describe('a source without the plugin', () => {
  it('is refused with the statement that installs it', async () => {
    await using server = await startMysql56();
    const refused = startArchiver(server, repositoryBeside(server), { archive: SEMI_SYNC }).ended;
    await expect(refused).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: containing('does not replicate semi-synchronously: it has no such plugin'),
      hint: containing('INSTALL PLUGIN'),
    });
  });
});
