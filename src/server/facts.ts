import type { Flavor } from '../binlog/gtid.ts';
import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from './connection.ts';
import { logExpiry } from './log-expiry.ts';

/** What a server is and how it is set, as far as archiving and recovery depend on it. */
export interface ServerFacts {
  readonly flavor: Flavor;
  readonly version: string;
  readonly serverId: number;
  /** MySQL only. */
  readonly serverUuid: string | null;
  readonly logBin: boolean;
  /** ROW, MIXED or STATEMENT. */
  readonly binlogFormat: string;
  readonly binlogRowImage: string;
  readonly binlogChecksum: string;
  readonly syncBinlog: number;
  readonly flushLogAtTrxCommit: number;
  /** 0: files are kept until someone removes them. */
  readonly binlogExpireSeconds: number;
  /** MySQL only. */
  readonly gtidMode: string | null;
  /** MariaDB only. */
  readonly gtidStrictMode: boolean | null;
  /** MariaDB only. */
  readonly gtidDomainId: number | null;
  readonly logSlaveUpdates: boolean;
  readonly readOnly: boolean;
  readonly timeZone: string;
  readonly systemTimeZone: string;
  /** The server's clock minus this machine's, seconds; exact to half the time the question took. */
  readonly clockSkewSeconds: number;
  readonly lowerCaseTableNames: number;
  readonly characterSetServer: string;
  readonly collationServer: string;
  readonly sqlMode: string;
  /** MariaDB 12.3 and later may keep its binary log inside InnoDB: then there are no files to archive. */
  readonly binlogStorageEngine: string | null;
  readonly encryptBinlog: boolean;
  /** Tables of users by engine. */
  readonly engines: Readonly<Record<string, number>>;
  readonly eventScheduler: string;
  readonly maxAllowedPacket: number;
}

/** A server's global variables by lower-case name. */
export type ServerVariables = ReadonlyMap<string, string>;

/** Reads everything at once. */
export async function readServerFacts(connection: ServerConnection): Promise<ServerFacts> {
  const variables = await readVariables(connection);
  const text = (name: string, fallback = ''): string => variables.get(name) ?? fallback;
  const number = (name: string): number => Number(variables.get(name) ?? 0);
  const isOn = (name: string): boolean => isTrue(variables.get(name));
  const isMariadb = connection.flavor === 'mariadb';
  return {
    flavor: connection.flavor,
    version: connection.version,
    serverId: number('server_id'),
    serverUuid: isMariadb ? null : text('server_uuid'),
    logBin: isOn('log_bin'),
    binlogFormat: text('binlog_format', 'ROW'),
    binlogRowImage: text('binlog_row_image', 'FULL'),
    binlogChecksum: text('binlog_checksum', 'NONE'),
    syncBinlog: number('sync_binlog'),
    flushLogAtTrxCommit: number('innodb_flush_log_at_trx_commit'),
    binlogExpireSeconds: logExpiry(variables).seconds,
    gtidMode: isMariadb ? null : text('gtid_mode'),
    gtidStrictMode: isMariadb ? isOn('gtid_strict_mode') : null,
    gtidDomainId: isMariadb ? number('gtid_domain_id') : null,
    logSlaveUpdates: isOn('log_replica_updates') || isOn('log_slave_updates'),
    readOnly: !['OFF', '0'].includes(text('read_only', 'OFF')),
    timeZone: text('time_zone', 'SYSTEM'),
    systemTimeZone: text('system_time_zone'),
    clockSkewSeconds: await readClockSkew(connection),
    lowerCaseTableNames: number('lower_case_table_names'),
    characterSetServer: text('character_set_server'),
    collationServer: text('collation_server'),
    sqlMode: text('sql_mode'),
    binlogStorageEngine: variables.get('binlog_storage_engine') ?? null,
    encryptBinlog: isOn('encrypt_binlog') || isOn('binlog_encryption'),
    engines: await readEngines(connection),
    eventScheduler: text('event_scheduler', 'OFF'),
    maxAllowedPacket: number('max_allowed_packet'),
  };
}

/** Reads all global variables in one question. */
export async function readVariables(connection: ServerConnection): Promise<ServerVariables> {
  const rows = await connection.query<{ Variable_name: string; Value: string }>('SHOW GLOBAL VARIABLES');
  return new Map(rows.map(({ Variable_name: name, Value: value }) => [name.toLowerCase(), value]));
}

/** The id the server writes into its events. */
export async function readServerId(connection: ServerConnection): Promise<number> {
  const [row] = await connection.query<{ id: string }>('SELECT @@GLOBAL.server_id AS id');
  return Number(row?.id);
}

/** Schemas that belong to the server itself, for `NOT IN (...)`. */
export const SYSTEM_SCHEMAS = "'mysql', 'information_schema', 'performance_schema', 'sys'";

/** True for a schema that is the server's own, in any case of letters. */
export function isSystemSchema(name: string): boolean {
  return SYSTEM_SCHEMAS.includes(`'${name.toLowerCase()}'`);
}

function isTrue(value: string | undefined): boolean {
  return value === 'ON' || value === '1';
}

/** The server's clock minus this machine's, seconds; exact to half the time the question took. */
export async function readClockSkew(connection: ServerConnection): Promise<number> {
  const before = Date.now();
  const [row] = await connection.query<{ now: string }>('SELECT UNIX_TIMESTAMP(NOW(6)) AS now');
  const ours = (before + Date.now()) / 2;
  return Math.round(Number(row?.now) * 1000 - ours) / 1000;
}

async function readEngines(connection: ServerConnection): Promise<Record<string, number>> {
  const rows = await connection.query<{ engine: string; tables: string }>(
    `SELECT ENGINE AS engine, COUNT(*) AS tables FROM information_schema.TABLES
     WHERE TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) AND ENGINE IS NOT NULL GROUP BY ENGINE`,
  );
  return Object.fromEntries(rows.map(({ engine, tables }) => [engine, Number(tables)]));
}

/** Who a server is. */
export interface ServerIdentity {
  readonly serverId: number;
  /** MySQL only. */
  readonly serverUuid: string | null;
}

/** Who a server is: one question that costs it nothing, also on a primary with very many tables. */
export async function readServerIdentity(connection: ServerConnection): Promise<ServerIdentity> {
  const uuid = connection.flavor === 'mysql' ? '@@GLOBAL.server_uuid' : 'NULL';
  const [row] = await connection.query<{ id: string | number; uuid: string | null }>(
    `SELECT @@GLOBAL.server_id AS id, ${uuid} AS uuid`,
  );
  return { serverId: Number(row?.id ?? 0), serverUuid: row?.uuid ?? null };
}

/**
 * An address can lead to another server from one connection to the next (DNS, a virtual address in a failover); what two
 * servers say must not be mistaken for what one says.
 *
 * @throws LastgoodError `SERVER_UNREACHABLE` when another server than `expected` answers
 */
export async function checkIdentity(connection: ServerConnection, expected: ServerIdentity): Promise<void> {
  const { serverId, serverUuid } = await readServerIdentity(connection);
  if (serverId === expected.serverId && serverUuid === expected.serverUuid) return;
  throw new LastgoodError(
    'SERVER_UNREACHABLE',
    `the ${describeServer(connection.options)} is another server now: server_id ${serverId} instead of ${expected.serverId}`,
    {
      hint: 'Does its address lead to several servers? Name one of them, or a virtual address that moves only in a failover.',
    },
  );
}
