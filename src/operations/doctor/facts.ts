import { statfs } from 'node:fs/promises';
import type { ArchiverRuns, ArchiverWait } from '../../archive/archiver-record.ts';
import type { RepairedBackup } from '../backup.ts';
import { readBrokenViews } from '../../backup/dump-scope.ts';
import { DUMP_PROGRAMS } from '../../backup/sql-dump.ts';
import type { TableName } from '../../binlog/group.ts';
import { findProgram } from '../../platform/child-process.ts';
import { isLastgoodError, type ErrorCode } from '../../platform/errors.ts';
import { readStaging } from '../../recovery/staging-name.ts';
import { readLogFilters, type LogFilters } from '../../server/binary-logs.ts';
import { connect, type ServerConnection } from '../../server/connection.ts';
import { listDumpClients, listOwnDumps, type DumpClient } from '../../server/dump-clients.ts';
import { readServerFacts, type ServerFacts } from '../../server/facts.ts';
import { readPrivileges, type AccountPrivileges } from '../../server/grants.ts';
import { readReplicaStatus, type ReplicaStatus } from '../../server/replica-status.ts';
import { readSemiSync, type SemiSyncSource } from '../../server/semi-sync.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import type { Finding } from '../finding.ts';
import type { LeftScratch } from '../scratch-folder.ts';
import type { Settings } from '../settings.ts';

/** Everything the checks look at; what could not be read stands as its reason, never as nothing. */
export interface DoctorFacts {
  readonly settings: Settings;
  readonly primary: Inspected<PrimaryReport>;
  /** Null without [replica]. */
  readonly replica: Inspected<ReplicaReport> | null;
  readonly repository: Inspected<RepositoryReport>;
  readonly tools: readonly { readonly names: readonly string[]; readonly path: string | null; readonly use: string }[];
  /** What killed salvages and rehearsals have left on this machine. */
  readonly leftScratch: Inspected<readonly LeftScratch[]>;
}

/** What was read, or in words why it was not. */
export type Inspected<T> = { readonly report: T; readonly problem: null } | Uninspected;

export interface Uninspected {
  readonly report: null;
  readonly problem: string;
  /** Why, in the words of the error table. */
  readonly code?: ErrorCode;
}

export interface ServerReport {
  readonly facts: ServerFacts;
  readonly account: AccountPrivileges;
}

export interface PrimaryReport extends ServerReport {
  /** Who replicates from it. */
  readonly clients: Inspected<readonly DumpClient[]>;
  /** From where the account of [primary] reads its log, for whoever may not see the ids. */
  readonly ownDumps: Inspected<readonly string[]>;
  /** What its log leaves out. */
  readonly logFilters: Inspected<LogFilters>;
  /** Null where it has no semi-synchronous replication. */
  readonly semiSync: Inspected<SemiSyncSource | null>;
}

export interface ReplicaReport extends ServerReport {
  readonly status: Inspected<ReplicaStatus | null>;
  /** Views that the server itself cannot read. */
  readonly brokenViews: Inspected<readonly TableName[]>;
  /** How many XA transactions are prepared: while there is one, no backup begins. */
  readonly prepared: Inspected<number>;
  /** Schemas in which a salvage is loading, or was when it was killed. */
  readonly staging: Inspected<readonly string[]>;
}

export interface RepositoryReport {
  /** False before the first `lastgood archive`. */
  readonly exists: boolean;
  /** What keeps one from being begun in its folder; null or none for nothing. */
  readonly foreign?: string | null;
  /** Of the file system it lies on. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** What the newest backup takes; null without one. */
  readonly lastBackupBytes: number | null;
  /** Whether an archiver of the primary was ever at work on it. */
  readonly archived: boolean;
  /** Whether an archiver of the primary is at work on it. */
  readonly archiverRunning: boolean;
  /** What the running one calls itself at the primary; null when none runs. */
  readonly archiverHost: string | null;
  /** When the last ones that were run from time to time had all. */
  readonly archiverRuns: ArchiverRuns;
  /** What its record says that it waits for. */
  readonly archiverWait: ArchiverWait | null;
  readonly readAt: Date;
  readonly repaired: readonly RepairedBackup[];
  /** What other readings of the repository found. */
  readonly findings: readonly Finding[];
}

/** Turns an expected failure into its words; a bug stays a bug. */
export async function inspect<T>(read: () => Promise<T>): Promise<Inspected<T>> {
  try {
    return { report: await read(), problem: null };
  } catch (error) {
    if (!isLastgoodError(error) || error.code === 'INTERRUPTED') throw error;
    return { report: null, problem: error.message, code: error.code };
  }
}

export async function inspectPrimary(options: ServerOptions): Promise<Inspected<PrimaryReport>> {
  return await inspect(async () => {
    await using connection = await connect(options);
    return {
      ...(await readServer(connection)),
      clients: await inspect(() => listDumpClients(connection)),
      ownDumps: await inspect(() => listOwnDumps(connection)),
      logFilters: await inspect(() => readLogFilters(connection)),
      semiSync: await inspect(() => readSemiSync(connection)),
    };
  });
}

export async function inspectReplica(options: ServerOptions): Promise<Inspected<ReplicaReport>> {
  return await inspect(async () => {
    await using connection = await connect(options);
    return {
      ...(await readServer(connection)),
      status: await inspect(() => readReplicaStatus(connection)),
      brokenViews: await inspect(() => readBrokenViews(connection)),
      prepared: await inspect(async () => (await connection.query('XA RECOVER')).length),
      staging: await inspect(() => readStaging(connection)),
    };
  });
}

/** The programs that backups and restores start. */
export function inspectTools(): DoctorFacts['tools'] {
  const wanted = [
    { names: DUMP_PROGRAMS, use: 'backups' },
    { names: ['mariadb', 'mysql'], use: 'restores' },
    { names: ['mariadbd', 'mysqld'], use: 'restores and rehearsals' },
    { names: ['mariadb-install-db', 'mysql_install_db'], use: 'restores and rehearsals' },
  ];
  return wanted.map((tool) => ({ ...tool, path: pathOf(tool.names) }));
}

/** Free and total bytes where `path` lies. */
export async function readSpace(path: string): Promise<{ freeBytes: number; totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(path);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}

async function readServer(connection: ServerConnection): Promise<ServerReport> {
  return { facts: await readServerFacts(connection), account: await readPrivileges(connection) };
}

function pathOf(names: readonly string[]): string | null {
  try {
    return findProgram(names);
  } catch (error) {
    if (isLastgoodError(error, 'TOOL_MISSING')) return null;
    throw error;
  }
}
