/**
 * A base backup taken on the replica: with mariadb-dump, of MySQL without a tool. Enters: the replica, a session with its primary, a folder.
 * Leaves: a folder with the dump and backup.json, whole or not at all; a replica that applies as before. Must not
 * know how a backup is restored, or which ones to keep.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupRecord } from '../archive/backup-record.ts';
import { writeRecord } from '../archive/repository.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import { makeDirectory, renameDurably, syncDirectory } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { pause as sleep, throwIfAborted } from '../platform/wait.ts';
import { addressOf, connect, describeServer, type ServerConnection } from '../server/connection.ts';
import { readServerFacts, type ServerFacts } from '../server/facts.ts';
import { grantStatement, missingPrivileges, readPrivileges } from '../server/grants.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { isTriedMysql } from '../server/tried-mysql.ts';
import { ApplyingPause, statePath } from './applying-pause.ts';
import { BACKUP_FILES, type BackupFile } from './backup-files.ts';
import { readBackupSettings } from './backup-settings.ts';
import { DefinitionWatch } from './definition-watch.ts';
import { readDumpScope, type DumpScope } from './dump-scope.ts';
import { partialFolder, removeUnfinished } from './interrupted-backups.ts';
import { dumpMysqlServer } from './mysql/mysql-server-dump.ts';
import {
  checkReplica,
  readReplicationPoint,
  type PrimaryIdentity,
  type ReplicationPoint,
} from './replication-point.ts';
import { dumpMysqlFiles, dumpSchemaFiles } from './schema-files.ts';
import { dumpServer } from './server-dump.ts';
import { readDumpVersion } from './sql-dump.ts';

/** How often to look for a moment at which the replica's place is certain, and the pause between two looks. */
const ATTEMPTS = 5;
const ATTEMPT_PAUSE_MS = 1000;

/** How far a backup is: plain SQL so far, and what it will be as far as the server can tell. */
export interface BackupProgress {
  readonly bytes: number;
  readonly estimatedBytes: number;
}

export interface LogicalBackupOptions {
  readonly id: string;
  /** Where the backup appears when it is complete. */
  readonly folder: string;
  readonly replica: ServerOptions;
  readonly primary: PrimaryIdentity & { readonly connection: ServerConnection; readonly lineage: string | null };
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: BackupProgress) => void;
}

/**
 * Takes a backup that is consistent at one point of the primary's log. The replica stops applying for as short as
 * its tables allow, and applies again afterwards, whatever happened. The caller holds the backup lock.
 *
 * @throws LastgoodError `IDENTITY_MISMATCH`, `PREFLIGHT_FAILED`, `TOOL_MISSING`, `TOOL_FAILED`, `STORAGE_FAILED`,
 *   `INTERRUPTED`, and what a connection throws
 */
export async function takeLogicalBackup(o: LogicalBackupOptions): Promise<BackupRecord> {
  const startedAt = new Date().toISOString();
  await using replica = await connect(o.replica);
  const tool = await toolFor(replica);
  const facts = await readServerFacts(replica);
  await checkServer({ replica, facts, primary: o.primary });
  const folder = partialFolder(o.folder);
  await using pause = new ApplyingPause({ folder, replica: o.replica, serverId: facts.serverId, log: o.log });
  try {
    const made = await makeFiles({ ...o, folder, connection: replica, facts, pause });
    const record = describeBackup({ options: o, facts, made, pause, startedAt, tool });
    await publish(folder, record, o.folder);
    return record;
  } catch (error) {
    await pause[Symbol.asyncDispose]();
    if (!pause.isStopped) await removeUnfinished(folder); // else its marker is still needed
    throw error;
  }
}

interface MadeFiles {
  readonly point: ReplicationPoint;
  readonly scope: DumpScope;
  readonly settings: Readonly<Record<string, string>>;
  /** In the order in which they load. */
  readonly files: readonly BackupFile[];
}

interface MakeOptions extends LogicalBackupOptions {
  readonly connection: ServerConnection;
  readonly facts: ServerFacts;
  readonly pause: ApplyingPause;
}

async function checkServer(o: {
  replica: ServerConnection;
  facts: ServerFacts;
  primary: PrimaryIdentity;
}): Promise<void> {
  if (o.facts.flavor === 'mysql' && !isTriedMysql(o.facts.version)) {
    const server = describeServer(o.replica.options);
    const message = `the ${server} is MySQL ${o.facts.version}, and of MySQL this version backs up 5.6 only`;
    throw new LastgoodError('PREFLIGHT_FAILED', message);
  }
  await checkPrivileges(o.replica);
  await checkReplica(o.replica, o.primary);
}

/** A dump would not fail without some of them, but silently leave things out. */
async function checkPrivileges(replica: ServerConnection): Promise<void> {
  const account = await readPrivileges(replica);
  const missing = missingPrivileges(account, { role: 'backup', flavor: replica.flavor });
  if (missing.length === 0) return;
  const server = describeServer(replica.options);
  throw new LastgoodError('PRIVILEGE_MISSING', `the account of the ${server} lacks ${missing.join(', ')}`, {
    hint: `Run on the primary, from where it reaches the replica: ${grantStatement(account.account, missing)}`,
  });
}

async function makeFiles(o: MakeOptions): Promise<MadeFiles> {
  await makeDirectory(o.folder);
  const made = await tryToMakeFiles({ ...o, standStill: false });
  if (made !== null) return made;
  o.log.info('definitions changed during the dump: once more, with applying stopped to its end');
  for (const name of Object.values(BACKUP_FILES)) await rm(join(o.folder, name), { force: true });
  const again = await tryToMakeFiles({ ...o, standStill: true });
  if (again !== null) return again;
  const server = describeServer(o.replica);
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `someone changes definitions on the ${server} itself while it is dumped`,
    {
      hint: 'Make the replica read-only, or take the backup when nobody works on it.',
    },
  );
}

/**
 * One attempt, which ends with the replica applying. Rows come from one snapshot; applying goes on as soon as that
 * is taken, unless tables are outside of it or `standStill` is asked for.
 *
 * @returns null when definitions changed meanwhile
 */
async function tryToMakeFiles(o: MakeOptions & { standStill: boolean }): Promise<MadeFiles | null> {
  const point = await stopAtCertainPoint(o);
  const scope = await readDumpScope(o.connection);
  for (const { schema, table } of scope.brokenViews)
    o.log.warn(
      { view: `${schema}.${table}` },
      'view is broken: the server cannot read it, and a restore brings it back as broken; with its own text where that can be made',
    );
  const settings = await readBackupSettings(o.connection);
  const isMysql = o.connection.flavor === 'mysql';
  const { accounts, grants } = await (isMysql ? dumpMysqlServer(o) : dumpServer(o));
  const noSnapshot = scope.outsideSnapshot > 0 || scope.inexactTables.length > 0;
  const schemas = await dumpUnlessChanged({ ...o, scope, standStill: o.standStill || noSnapshot });
  await o.pause.resume();
  return schemas === null ? null : { point, scope, settings, files: [accounts, ...schemas, grants] };
}

async function dumpUnlessChanged(
  o: MakeOptions & { scope: DumpScope; standStill: boolean },
): Promise<BackupFile[] | null> {
  await using watch = await DefinitionWatch.begin(o.replica);
  const [changed, done] = [new AbortController(), new AbortController()];
  const watching = watch
    .untilChange(() => {
      changed.abort();
    }, done.signal)
    .catch(() => undefined); // a watch that is lost shows in the last look
  let resuming = Promise.resolve();
  const onSnapshot = (): void => {
    if (!o.standStill) resuming = o.pause.resume();
    resuming.catch(() => undefined); // thrown below
  };
  try {
    const written = await (o.connection.flavor === 'mysql' ? dumpMysqlFiles : dumpSchemaFiles)({
      folder: o.folder,
      replica: o.replica,
      scope: o.scope,
      onSnapshot,
      onProgress: (bytes) => o.onProgress?.({ bytes, estimatedBytes: o.scope.estimatedBytes }),
      signal: AbortSignal.any([changed.signal, ...(o.signal === undefined ? [] : [o.signal])]),
    });
    return (await watch.changed()) ? null : written;
  } catch (error) {
    if (o.signal?.aborted === true || !(await watch.changed())) throw error;
    return null; // whatever the dump met, a change of definitions explains it
  } finally {
    done.abort();
    await watching;
    await resuming;
  }
}

/** Leaves applying stopped at a point that both servers agree on. */
async function stopAtCertainPoint(o: MakeOptions): Promise<ReplicationPoint> {
  const { connection: replica, primary, facts, pause, signal } = o;
  for (let attempt = 1; ; attempt += 1) {
    throwIfAborted(signal);
    await pause.stop(replica);
    const point = await readReplicationPoint({ replica, primary: primary.connection, logBin: facts.logBin });
    if (typeof point !== 'string') return point;
    await pause.resume();
    o.log.info({ attempt, reason: point }, 'no backup can begin here');
    if (attempt === ATTEMPTS) {
      throw new LastgoodError(
        'PREFLIGHT_FAILED',
        `no backup can be taken of the ${describeServer(o.replica)}: ${point}`,
      );
    }
    await sleep(ATTEMPT_PAUSE_MS, signal);
  }
}

function describeBackup(o: {
  options: LogicalBackupOptions;
  facts: ServerFacts;
  made: MadeFiles;
  pause: ApplyingPause;
  startedAt: string;
  tool: { name: string; version: string };
}): BackupRecord {
  const { options, facts, made } = o;
  const { primary, replica } = made.point;
  return {
    format: 1,
    id: options.id,
    method: 'logical',
    tool: o.tool.name,
    toolVersion: o.tool.version,
    startedAt: o.startedAt,
    finishedAt: new Date().toISOString(),
    bytes: made.files.reduce((sum, { bytes }) => sum + bytes, 0),
    files: made.files,
    flavor: facts.flavor,
    serverVersion: facts.version,
    replica: {
      server: serverLabel(options.replica),
      coordinates: replica === null ? null : formatCoordinates(replica.coordinates),
      gtid: replica?.gtid ?? null,
    },
    primary: {
      server: serverLabel(options.primary.connection.options),
      coordinates: formatCoordinates(primary.coordinates),
      gtid: primary.gtid,
      serverId: options.primary.serverId,
      lineage: options.primary.lineage,
    },
    databases: made.scope.schemas,
    tables: made.scope.tables,
    settings: made.settings,
    applyingStoppedSeconds: o.pause.stoppedSeconds,
  };
}

/** What reads the schemas: of MySQL we do, in a format that has a number of its own. */
async function toolFor({ flavor }: ServerConnection): Promise<{ name: string; version: string }> {
  return flavor === 'mysql'
    ? { name: 'lastgood', version: '1' }
    : { name: 'mariadb-dump', version: await readDumpVersion() };
}

function serverLabel(options: ServerOptions): string {
  return `${options.name} (${addressOf(options)})`;
}

/** Everything in the folder is durable before the folder has its final name. */
async function publish(partial: string, record: BackupRecord, folder: string): Promise<void> {
  await writeRecord(join(partial, 'backup.json'), record);
  await rm(statePath(partial));
  await syncDirectory(partial);
  await renameDurably(partial, folder);
}
