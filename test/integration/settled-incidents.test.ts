import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { rebuildCatalog } from '../../src/catalog/rebuild.ts';
import type { Incident } from '../../src/incident/incident.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { verify } from '../../src/operations/verify.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import {
  archiveToTheLastByte,
  archiveUntilCurrent,
  repositoryBeside,
  silentLog,
  startArchiver,
} from '../support/archiver.ts';
import { run } from '../support/backup-scene.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

async function incidents(repository: string): Promise<Incident[]> {
  using archive = await openArchive(repository, { log: silentLog });
  return archive.catalog.incidents({ all: true });
}

async function isAsRebuilt(repository: string): Promise<boolean> {
  const opened = await openRepository(repository);
  const path = `${opened.catalogPath}.rebuilt`;
  await rebuildCatalog(opened, path, { log: silentLog });
  using written = openCatalog(opened.catalogPath);
  using rebuilt = openCatalog(path);
  expect(written.dump()).toEqual(rebuilt.dump());
  return true;
}

async function findings(repositoryPath: string): Promise<string[]> {
  const { findings: all } = await verify({ repositoryPath, keyFile: null, since: null, backups: false, jobs: 1 });
  return all.filter(({ severity }) => severity !== 'info').map(({ found }) => found);
}

describe('an incident that is decided in a later file', () => {
  it('is pending until then, also over restarts of the archiver, and is restored to before its first group', async () => {
    await using primary = await startPrimary();
    const repository = repositoryBeside(primary);
    await using connection = await primary.connect();
    const rows = Array.from({ length: 150 }, (_, id) => `(${id})`).join();
    await run(connection, ['CREATE DATABASE shop', 'CREATE TABLE shop.i (id INT PRIMARY KEY)']);
    await connection.query(`INSERT INTO shop.i VALUES ${rows}`);
    await archiveUntilCurrent(primary, repository);
    await recordBackup(repository, 'before', await pointOf(primary));
    await run(connection, [
      "XA START 'kept'",
      'DELETE FROM shop.i WHERE id < 120',
      "XA END 'kept'",
      "XA PREPARE 'kept'",
    ]);
    await archiveUntilCurrent(primary, repository);
    const [pending] = await incidents(repository);
    expect(pending).toMatchObject({ kind: 'mass-delete', state: 'pending', settledBy: null });

    await using late = await primary.connect();
    await run(late, ['FLUSH BINARY LOGS', 'CREATE DATABASE crm', 'FLUSH BINARY LOGS']);
    await archiveUntilCurrent(primary, repository);
    expect(await incidents(repository)).toEqual([pending]);

    await using archiver = startArchiver(primary, repository);
    await run(connection, ["XA COMMIT 'kept'"]);
    const isSettled = async (): Promise<boolean> => (await incidents(repository))[0]?.state === 'effective';
    await waitFor(isSettled, { timeoutMs: 20_000, what: 'the incident to take effect' });
    await archiver.stop();
    await archiveToTheLastByte(primary, repository);
    const [settled] = await incidents(repository);
    expect(settled).toMatchObject({ id: pending?.id, state: 'effective', settledBy: { file: 'binlog.000003' } });
    expect({ ...settled, state: 'pending', settledBy: null }).toEqual(pending);
    expect(await isAsRebuilt(repository)).toBe(true);
    expect(await findings(repository)).toEqual([]);

    using archive = await openArchive(repository, { log: silentLog });
    const plan = await makePlan(archive, { kind: 'before-incident', incident: settled?.id ?? '' });
    expect(plan.target.resolved).toMatchObject({ file: 'binlog.000001', position: settled?.start });
    expect(plan.reachable).toBe(true);
  });

  it('is an ALTER whose end stands in the next file, listed once', async () => {
    await using primary = await startPrimary();
    const repository = repositoryBeside(primary);
    await using held = await holdAlter(primary);
    await archiveUntilCurrent(primary, repository);
    const [pending] = await incidents(repository);
    expect(pending).toMatchObject({ kind: 'drop-column', state: 'pending', awaits: 'ALTER 0-4' });

    await run(held.reader, ['FLUSH BINARY LOGS', 'COMMIT']);
    await held.altered;
    await archiveToTheLastByte(primary, repository);
    const settled = await incidents(repository);
    expect(settled).toMatchObject([{ id: pending?.id, state: 'effective', settledBy: { file: 'binlog.000002' } }]);
    expect(await isAsRebuilt(repository)).toBe(true);
    const { catalogPath } = await openRepository(repository);
    using catalog = openCatalog(catalogPath);
    catalog.forget(pending?.lineage ?? '', 'binlog.000001');
    expect(catalog.incidents({ all: true })).toMatchObject([{ file: 'binlog.000002', state: 'effective' }]);
  });

  it('is an ALTER that a crash of the server cut short; what recovery makes of it is an incident of its own', async () => {
    await using primary = await startPrimary();
    const repository = repositoryBeside(primary);
    await using held = await holdAlter(primary);
    await archiveUntilCurrent(primary, repository);
    await primary.kill();
    await held.altered;
    await primary.restart();
    await archiveToTheLastByte(primary, repository);
    const found = await incidents(repository);
    const settledBy = { file: 'binlog.000002', start: 4, gtid: null };
    expect(found.at(-1)).toMatchObject({ awaits: 'ALTER 0-4', state: 'rolled-back', settledBy });
    await using connection = await primary.connect();
    const columns = await connection.query<{ Field: string }>('SHOW COLUMNS FROM shop.a');
    const isGone = !columns.some(({ Field }) => Field === 'v');
    const later = found.slice(0, -1).map(({ kind, state, file, awaits }) => ({ kind, state, file, awaits }));
    const again = { kind: 'drop-column', state: 'effective', file: 'binlog.000002', awaits: null };
    expect(later).toEqual(isGone ? [again] : []);
    expect(found.every(({ time }) => Date.parse(time) > Date.now() - 600_000)).toBe(true);
    expect(await isAsRebuilt(repository)).toBe(true);
    expect(await findings(repository)).toEqual([]);
  });
});

interface HeldAlter extends AsyncDisposable {
  /** Ends the wait with its COMMIT. */
  readonly reader: ServerConnection;
  /** Settles with the ALTER, or with its server. */
  readonly altered: Promise<void>;
}

/** A two-phase ALTER, 0-101-4, that has begun, and waits at its end for a reader of the table. */
async function holdAlter(primary: TestServer): Promise<HeldAlter> {
  const connection = await primary.connect();
  const reader = await primary.connect();
  const table = ['CREATE DATABASE shop', 'CREATE TABLE shop.a (id INT, v INT)', 'INSERT INTO shop.a VALUES (1, 2)'];
  await run(connection, [...table, 'SET binlog_alter_two_phase = 1']);
  await run(reader, ['BEGIN', 'SELECT * FROM shop.a']);
  const altering = connection.query('ALTER TABLE shop.a DROP COLUMN v, ALGORITHM=COPY');
  const altered = altering.then(
    () => undefined,
    () => undefined,
  );
  const hasBegun = async (): Promise<boolean> => {
    const events = await reader.query<{ Info: string }>("SHOW BINLOG EVENTS IN 'binlog.000001'");
    return events.some(({ Info }) => Info.includes('START ALTER'));
  };
  await waitFor(hasBegun, { timeoutMs: 20_000, what: 'the ALTER to begin' });
  return {
    reader,
    altered,
    [Symbol.asyncDispose]: async () => {
      await reader[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}
