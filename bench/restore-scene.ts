import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupRecord } from '../src/archive/backup-record.ts';
import { openRepository, type Repository } from '../src/archive/repository.ts';
import { parseCoordinates } from '../src/binlog/coordinates.ts';
import { archive } from '../src/operations/archive.ts';
import { takeBackup } from '../src/operations/backup.ts';
import { SETTINGS_DEFAULTS, type Settings } from '../src/operations/settings.ts';
import { createLogger } from '../src/platform/logger.ts';
import { waitFor } from '../src/platform/wait.ts';
import { installDatadir, type LocalServer } from '../src/server/local-server.ts';
import { readReplicaStatus } from '../src/server/replica-status.ts';
import { createTables, startBenchServer, writeSmallTransactions } from './data.ts';

/** A backup and the log behind it, twice: in a repository, and as a person without one has them. */
export interface RestoreScene {
  readonly repository: string;
  /** The primary's own binary logs from the backup's place on; absolute paths. */
  readonly binlogs: readonly string[];
  readonly fromPosition: number;
  readonly dumpMegabytes: number;
  readonly logMegabytes: number;
}

const CACHE = join(import.meta.dirname, '../.cache/bench/restore');
const MEGABYTE = 1024 * 1024;
const TABLES = 4;
/** About, of a row of sysbench's tables in a dump. */
const DUMPED_ROW_BYTES = 150;
const log = createLogger({ level: 'warn', pretty: true });

/** Makes a scene with a dump and a log of about so many megabytes, or gives the one made before. */
export async function ensureRestoreScene(dumpMegabytes: number, logMegabytes: number): Promise<RestoreScene> {
  const folder = join(CACHE, `${dumpMegabytes}-${logMegabytes}`);
  const description = join(folder, 'scene.json');
  try {
    return JSON.parse(await readFile(description, 'utf8')) as RestoreScene;
  } catch {
    // Not made yet, or not to its end.
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const scene = { ...(await makeScene(folder, { dumpMegabytes, logMegabytes })), dumpMegabytes, logMegabytes };
  await writeFile(description, JSON.stringify(scene, null, 2));
  return scene;
}

async function makeScene(
  folder: string,
  { dumpMegabytes, logMegabytes }: { dumpMegabytes: number; logMegabytes: number },
): Promise<Pick<RestoreScene, 'repository' | 'binlogs' | 'fromPosition'>> {
  const datadir = join(folder, 'primary');
  await fillServer(datadir, Math.ceil((dumpMegabytes * MEGABYTE) / DUMPED_ROW_BYTES / TABLES));
  const replicaFolder = join(folder, 'replica');
  await cp(datadir, replicaFolder, { recursive: true });
  const repository = await openRepository(join(folder, 'repository'), { create: true });
  const record = await writeAndArchive({ datadir, replicaFolder, repository, logMegabytes });
  await rm(replicaFolder, { recursive: true });
  const { file, position } = parseCoordinates(record.primary.coordinates);
  const binlogs = await keepBinlogs(datadir, { folder: join(folder, 'binlogs'), from: file });
  await rm(datadir, { recursive: true });
  return { repository: repository.path, binlogs, fromPosition: position };
}

/** What the log does not have: the rows that are only in the dump. */
async function fillServer(datadir: string, rowsPerTable: number): Promise<void> {
  await installDatadir({ datadir });
  await using server = await startBenchServer(datadir, ['--skip-log-bin']);
  await using connection = await server.connect();
  await createTables(connection, rowsPerTable);
  await connection.query("CREATE USER 'repl'@'127.0.0.1' IDENTIFIED BY 'repl-password'");
  await connection.query("GRANT REPLICATION SLAVE ON *.* TO 'repl'@'127.0.0.1'");
  await connection.close();
  await server.stop();
}

async function writeAndArchive(o: {
  datadir: string;
  replicaFolder: string;
  repository: Repository;
  logMegabytes: number;
}): Promise<BackupRecord> {
  await using primary = await startBenchServer(o.datadir);
  await writeSmallTransactions(primary, 1);
  const record = await backUp(o, primary);
  await writeSmallTransactions(primary, o.logMegabytes);
  await using connection = await primary.connect();
  await connection.query('FLUSH BINARY LOGS');
  await connection.close();
  await archiveAll(primary, o.repository);
  await primary.stop();
  return record;
}

async function backUp(
  { replicaFolder, repository }: { replicaFolder: string; repository: Repository },
  primary: LocalServer,
): Promise<BackupRecord> {
  await archiveAll(primary, repository);
  await using replica = await startBenchServer(replicaFolder, ['--server-id=2', '--skip-log-bin']);
  await using connection = await replica.connect();
  await connection.query(
    `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${primary.port}, MASTER_USER='repl',
     MASTER_PASSWORD='repl-password', MASTER_USE_GTID=slave_pos`,
  );
  await connection.query('START SLAVE');
  const applies = async (): Promise<boolean> => (await readReplicaStatus(connection))?.executed?.file !== undefined;
  await waitFor(applies, { timeoutMs: 60_000, what: 'the replica to apply' });
  const settings = settingsOf(primary, repository);
  return await takeBackup({ settings: { ...settings, replica: replica.serverOptions('replica') }, repository, log });
}

async function archiveAll(primary: LocalServer, repository: Repository): Promise<void> {
  const { primary: source, archive: how } = settingsOf(primary, repository);
  const { signal } = new AbortController();
  await archive({ repositoryPath: repository.path, primary: source, archive: how, untilCurrent: true, log, signal });
}

function settingsOf(primary: LocalServer, { path }: Repository): Settings {
  const { serverId, sync, semiSync, compression } = SETTINGS_DEFAULTS;
  return {
    repositoryPath: path,
    keyFile: null,
    primary: { ...primary.serverOptions('primary'), serverId },
    replica: null,
    archive: { sync, semiSync, compression },
  };
}

async function keepBinlogs(
  datadir: string,
  { folder, from }: { folder: string; from: string },
): Promise<readonly string[]> {
  await mkdir(folder);
  const names = (await readdir(datadir)).filter((name) => /^binlog\.\d+$/.test(name) && name >= from).sort();
  for (const name of names) await rename(join(datadir, name), join(folder, name));
  return names.map((name) => join(folder, name));
}
