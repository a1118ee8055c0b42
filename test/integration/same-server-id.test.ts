import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { nameArchiver } from '../../src/operations/archiver-name.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { readStatus } from '../../src/operations/status.ts';
import { createLogger, type Logger } from '../../src/platform/logger.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { startDump } from '../../src/server/dump-client.ts';
import { listDumpClients } from '../../src/server/dump-clients.ts';
import {
  archiveUntilCurrent,
  ARCHIVER_SERVER_ID,
  primarySettings,
  silentLog,
  startArchiver,
} from '../support/archiver.ts';
import { differences, newRepository, run } from '../support/lineages.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

interface ToldLog {
  readonly log: Logger;
  readonly errors: Record<string, unknown>[];
}

/** Keeps what an archiver logs as an error. */
function keepErrors(): ToldLog {
  const errors: Record<string, unknown>[] = [];
  const log = createLogger({ level: 'silent', pretty: false });
  log.error = (fields: unknown) => void errors.push(fields as Record<string, unknown>);
  return { log, errors };
}

/** So that a test need not wait a minute, nor long for the source to notice that a client is gone. */
const QUICK = { rivalPauses: { firstMs: 600, maxMs: 600 }, heartbeatMs: 500 };

const DUMP = { from: { file: 'binlog.000001', position: 4 }, heartbeatMs: 500, nonBlocking: false };
const NOWHERE = { rotate: () => undefined, append: () => undefined, formatAgain: () => undefined };

async function clientsOf(server: TestServer): Promise<number[]> {
  await using connection = await server.connect();
  return (await listDumpClients(connection)).map(({ serverId }) => serverId);
}

/** How `status` tells that the archiver waits, '' where it does not. */
async function waitTold(server: TestServer, repository: string): Promise<string> {
  using archive = await openArchive(repository, { log: silentLog });
  const { findings } = await readStatus(archive, { primary: primarySettings(server) });
  const told = findings.find(({ check, found }) => check === 'archiver' && found.startsWith('it runs, and has'));
  if (told !== undefined) expect(told.fix).toContain('lastgood doctor');
  return told?.severity ?? '';
}

describe('a second archiver with the same server_id', () => {
  let server: TestServer;
  let first: string;
  let second: string;

  beforeAll(async () => {
    server = await startPrimary();
    [first, second] = [newRepository(server), newRepository(server)];
    await run(server, 'CREATE DATABASE shop');
    await archiveUntilCurrent(server, first);
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it('does not begin while it would throw the first one out, and says who that is', async () => {
    const stream = await startDump(
      await server.connect(),
      { ...DUMP, serverId: ARCHIVER_SERVER_ID, host: 'lastgood@backup-2:0123abcd' },
      NOWHERE,
    );
    await waitFor(async () => (await clientsOf(server)).length === 1, {
      timeoutMs: 20_000,
      what: 'the first archiver',
    });
    const begun = archiveUntilCurrent(server, second);
    await expect(begun).rejects.toMatchObject({
      code: 'SERVER_ID_TAKEN',
      message: expect.stringMatching(/^an archiver on 'backup-2' replicates from .* with server_id 4210001/) as string,
      hint: expect.stringMatching(/primary\.server_id = \d+/) as string,
      details: { serverId: ARCHIVER_SERVER_ID },
    });
    expect(await (await openRepository(second)).lineages()).toEqual([]);
    stream.stop();
    await stream.finished.catch(() => undefined);
  });

  it('takes turns with the first one, more and more rarely: each says so, and both miss nothing', async () => {
    await waitFor(async () => (await clientsOf(server)).length === 0, {
      timeoutMs: 20_000,
      what: 'the first one to go',
    });
    await archiveUntilCurrent(server, second);
    const [one, other] = [keepErrors(), keepErrors()];
    {
      await using _first = startArchiver(server, first, { log: one.log, ...QUICK });
      await waitFor(async () => (await clientsOf(server)).length === 1, {
        timeoutMs: 20_000,
        what: 'the first archiver',
      });
      await using _second = startArchiver(server, second, { log: other.log, ...QUICK });
      const told = new Set<string>();
      const bothTold = async (): Promise<boolean> => {
        await run(server, 'CREATE TABLE IF NOT EXISTS shop.a (id INT)');
        told.add(await waitTold(server, first));
        return one.errors.length > 1 && other.errors.length > 0 && told.size > 1;
      };
      await waitFor(bothTold, { timeoutMs: 30_000, intervalMs: 100, what: 'both to be told' });
      expect([...told].toSorted()).toEqual(['', 'warning']); // while it waits, and not while it streams
    }
    for (const { error, other: who, hint } of [...one.errors, ...other.errors]) {
      expect(error).toContain('another client with server_id 4210001 took the place of this archiver');
      expect(who).toMatch(/^an archiver on '|^not to be seen$/);
      expect(hint).toContain('lastgood doctor');
    }
    for (const path of [first, second]) {
      await archiveUntilCurrent(server, path);
      expect(await differences(path, server)).toEqual([]);
    }
  });
});

describe('a second archiver with the same server_id on MySQL', () => {
  it('archives beside the first one: each has a uuid of its own', async () => {
    await using server = await startMysql56();
    await run(server, 'CREATE DATABASE shop');
    const paths = [newRepository(server), newRepository(server)] as const;
    const [one, other] = [keepErrors(), keepErrors()];
    {
      await using _first = startArchiver(server, paths[0], { log: one.log });
      await waitFor(async () => (await clientsOf(server)).length > 0, {
        timeoutMs: 20_000,
        what: 'the first archiver',
      });
      await using _second = startArchiver(server, paths[1], { log: other.log });
      await using connection = await server.connect();
      const dumps = async (): Promise<number> =>
        (await connection.query<{ Command: string }>('SHOW PROCESSLIST')).filter(
          ({ Command: c }) => c === 'Binlog Dump',
        ).length;
      await waitFor(async () => (await dumps()) === 2, { timeoutMs: 20_000, what: 'two dumps' });
      await run(server, 'CREATE TABLE shop.a (id INT)');
      for (const path of paths)
        await waitFor(async () => (await differences(path, server)).length === 0, {
          timeoutMs: 20_000,
          what: 'all of it',
        });
      expect(await dumps()).toBe(2);
    }
    expect([one.errors, other.errors]).toEqual([[], []]);
  });

  it('recognizes one that has its uuid too, as on a copied machine: MySQL 5.6 only hangs up', async () => {
    await using server = await startMysql56();
    await run(server, 'CREATE DATABASE shop');
    const path = newRepository(server);
    const { log, errors } = keepErrors();
    await using _running = startArchiver(server, path, { log, ...QUICK });
    await waitFor(async () => (await clientsOf(server)).length > 0, { timeoutMs: 20_000, what: 'the archiver' });
    const twin = nameArchiver({ repositoryPath: path, name: 'shop' }, ARCHIVER_SERVER_ID);
    const stream = await startDump(await server.connect(), { ...DUMP, ...twin }, NOWHERE);
    await waitFor(() => errors.length > 0, { timeoutMs: 20_000, what: 'the archiver to say so' });
    expect(errors[0]?.['error']).toContain('took the place of this archiver');
    stream.stop();
    await stream.finished.catch(() => undefined);
    await run(server, 'CREATE TABLE shop.a (id INT)');
    await waitFor(async () => (await differences(path, server)).length === 0, { timeoutMs: 20_000, what: 'all of it' });
  });
});
