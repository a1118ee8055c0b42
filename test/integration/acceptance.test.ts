import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import type { Incident } from '../../src/incident/incident.ts';
import { takeBackup } from '../../src/operations/backup.ts';
import { listIncidents } from '../../src/operations/incidents.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore } from '../../src/operations/restore.ts';
import type { Settings } from '../../src/operations/settings.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { connect, type ServerConnection } from '../../src/server/connection.ts';
import { readReplicaStatus } from '../../src/server/replica-status.ts';
import {
  repositoryBeside,
  segmentsOf,
  silentLog,
  startArchiver,
  archiveUntilCurrent,
  type RunningArchiver,
} from '../support/archiver.ts';
import { checksums } from '../support/compare.ts';
import { startPair, type Pair } from '../support/pair.ts';
import { endRestored, restoredOptions } from '../support/restored.ts';
import { settingsFor } from '../support/settings.ts';
import { keyFile } from '../support/stored-segment.ts';
import { startWorkload } from '../support/workload.ts';

/** Where in its file the destructive group stands. */
type Place = 'first' | 'middle' | 'last' | 'open';

const CASES: readonly { place: Place; statement: string; kind: Incident['kind'] }[] = [
  { place: 'first', statement: 'DROP DATABASE victim', kind: 'drop-database' },
  { place: 'middle', statement: 'TRUNCATE TABLE victim.precious', kind: 'truncate-table' },
  { place: 'last', statement: 'DROP SCHEMA victim', kind: 'drop-database' },
  { place: 'open', statement: 'DROP TABLE victim.precious, victim.aria', kind: 'drop-table' },
];

const TRANSACTIONS_AROUND = 200;

const RUNS = [
  ['ROW', 'zstd', true],
  ['MIXED', 'zstd', false],
  ['STATEMENT', 'none', false],
] as const;

describe.each(RUNS)('an accident with binlog_format %s, under load', (format, compression, encrypted) => {
  let pair: Pair;
  let settings: Settings;
  let archiver: RunningArchiver;

  beforeAll(async () => {
    pair = await startPair({ primaryArgs: [`--binlog-format=${format}`], replicaArgs: [`--binlog-format=${format}`] });
    const encryptionKey = encrypted ? await keyFile(pair.primary.directory) : null;
    const archiving = { sync: 'group', semiSync: false, compression } as const;
    settings = { ...settingsFor(pair, repositoryBeside(pair.primary)), keyFile: encryptionKey, archive: archiving };
    archiver = startArchiver(pair.primary, settings.repositoryPath, settings);
    await load(pair, TRANSACTIONS_AROUND);
    await archiveIsThere(settings.repositoryPath);
    const repository = await openRepository(settings.repositoryPath);
    await takeBackup({ settings, repository, log: silentLog });
  });

  afterAll(async () => {
    await archiver.stop();
    await pair[Symbol.asyncDispose]();
  });

  it.each(CASES)(
    '$statement as the $place group of its file is found and undone',
    async ({ place, statement, kind }) => {
      await makeVictim(pair);
      await pair.caughtUp();
      await using replica = await pair.replica.connect();
      await replica.query('STOP SLAVE');

      await commit(pair, place, statement);

      await archiver.stop();
      await archiveUntilCurrent(pair.primary, settings.repositoryPath, settings);
      archiver = startArchiver(pair.primary, settings.repositoryPath, settings);
      using archive = await openArchive(settings.repositoryPath, { log: silentLog, keyFile: settings.keyFile });
      const [incident] = listIncidents(archive);
      expect(incident).toMatchObject({ kind, state: 'effective' });
      const [gtid, words] = await eventsAt(pair, incident);
      expect(gtid).toContain(`GTID ${incident?.gtid ?? ''}`);
      expect(words).toContain(incident?.statement);
      expect(await placeOf(settings.repositoryPath, incident)).toBe(place);
      const lastGood = incident?.lastGood?.gtid ?? '';
      const expected = await checksumsAt(replica, lastGood);
      expect(Object.keys(expected)).toContain('victim.precious');

      const plan = await makePlan(archive, { kind: 'before-incident', incident: incident?.id ?? '' });
      const result = await restore(archive, {
        plan,
        into: { kind: 'scratch', datadir: join(pair.primary.directory, `restored-${place}`) },
        log: silentLog,
      });
      try {
        expect(result.proof.checks.filter(({ ok }) => !ok)).toEqual([]);
        await using restored = await connect(restoredOptions(result.server.socket));
        expect(await checksums(restored)).toEqual(expected);
      } finally {
        await endRestored(result.server.pid);
      }
      await replica.query('START SLAVE');
      await pair.caughtUp();
    },
  );
});

async function archiveIsThere(path: string): Promise<void> {
  const probe = async (): Promise<boolean> => {
    const repository = await openRepository(path).catch(() => null); // before the archiver's first step
    return repository !== null && (await repository.lineages()).length > 0;
  };
  await waitFor(probe, { timeoutMs: 20_000, what: 'the archive' });
}

async function load(pair: Pair, transactions: number): Promise<void> {
  await using workload = await startWorkload(() => pair.primary.connect());
  await waitFor(() => workload.committed >= transactions, { timeoutMs: 60_000, what: `${transactions} transactions` });
}

async function makeVictim(pair: Pair): Promise<void> {
  await using connection = await pair.primary.connect();
  const rows = Array.from({ length: 500 }, (_, id) => `(${id}, MD5(${id}))`).join();
  const statements = [
    'DROP DATABASE IF EXISTS victim',
    'CREATE DATABASE victim',
    'CREATE TABLE victim.precious (id INT PRIMARY KEY, what VARCHAR(60)) ENGINE=InnoDB',
    'CREATE TABLE victim.aria (id INT PRIMARY KEY, what VARCHAR(60)) ENGINE=Aria',
    `INSERT INTO victim.precious VALUES ${rows}`,
    'INSERT INTO victim.aria SELECT id, what FROM victim.precious',
  ];
  for (const statement of statements) await connection.query(statement);
}

/** Commits the statement at its place, with writes to other schemas before and after it, and at once where it can be. */
async function commit(pair: Pair, place: Place, statement: string): Promise<void> {
  await using connection = await pair.primary.connect();
  if (place === 'middle' || place === 'open') {
    await using workload = await startWorkload(() => pair.primary.connect());
    const more = async (): Promise<void> => {
      const enough = workload.committed + TRANSACTIONS_AROUND;
      await waitFor(() => workload.committed >= enough, { timeoutMs: 60_000, what: 'more transactions' });
    };
    await more();
    await connection.query(statement);
    await more();
    if (place === 'middle') await connection.query('FLUSH BINARY LOGS');
    await more();
    return;
  }
  await load(pair, TRANSACTIONS_AROUND);
  if (place === 'first') await connection.query('FLUSH BINARY LOGS');
  await connection.query(statement);
  if (place === 'last') await connection.query('FLUSH BINARY LOGS');
  await load(pair, TRANSACTIONS_AROUND);
}

async function placeOf(path: string, incident: Incident | undefined): Promise<Place | 'nowhere'> {
  const segment = (await segmentsOf(path)).find(({ file }) => file === incident?.file);
  if (incident === undefined || segment === undefined) return 'nowhere';
  if (incident.lastGood?.file !== incident.file) return 'first';
  if (segment.manifest === null) return 'open';
  return segment.manifest.last?.end === incident.end ? 'last' : 'middle';
}

/** What the server itself says stands at the incident's place: its GTID event, then its statement. */
async function eventsAt({ primary }: Pair, incident: Incident | undefined): Promise<string[]> {
  await using connection = await primary.connect();
  const events = await connection.query<{ Info: string; End_log_pos: string | number }>(
    `SHOW BINLOG EVENTS IN '${incident?.file ?? ''}' FROM ${incident?.start ?? 0} LIMIT 2`,
  );
  expect(Number(events.at(-1)?.End_log_pos)).toBe(incident?.end);
  return events.map(({ Info: info }) => info);
}

/** Lets the stopped replica apply up to and with a GTID, and gives every table's checksum there. */
async function checksumsAt(replica: ServerConnection, gtid: string): Promise<Record<string, string | null>> {
  await replica.query(`START SLAVE UNTIL master_gtid_pos = '${gtid}'`);
  const stopped = async (): Promise<boolean> => (await readReplicaStatus(replica))?.sqlRunning === false;
  await waitFor(stopped, { timeoutMs: 60_000, what: `the replica at ${gtid}` });
  expect((await readReplicaStatus(replica))?.gtidApplied).toBe(gtid);
  return await checksums(replica);
}
