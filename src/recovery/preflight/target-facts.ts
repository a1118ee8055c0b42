import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import { connect, type ServerConnection } from '../../server/connection.ts';
import { readVariables, SYSTEM_SCHEMAS, type ServerVariables } from '../../server/facts.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import { readMarker, type Marker } from '../restore-marker.ts';
import type { ZoneReading } from '../source-zone.ts';
import { readMachineZone } from '../source-zone.ts';
import { TARGET_WORDS } from '../target-words.ts';
import { isSameServer, readServerPlace } from './same-server.ts';

/** What an existing server says of itself before anything is restored into it. */
export interface TargetFacts {
  readonly flavor: ServerConnection['flavor'];
  readonly version: string;
  /** Global ones, by lower-case name. */
  readonly variables: ServerVariables;
  /** Names of those that only a restart can change. */
  readonly fixedVariables: ReadonlySet<string>;
  /** Users' schemas. */
  readonly schemas: readonly string[];
  /** Quoted, without the server's own, root's and ours. */
  readonly accounts: readonly string[];
  /** Those that do not make it a server in use: root's and the one that asks. */
  readonly stayingAccounts: readonly string[];
  /** `host:port` of each server it replicates from, running or not. */
  readonly primaries: readonly string[];
  /** Sessions that read its binary log. */
  readonly replicas: readonly string[];
  /** Active plugins. */
  readonly plugins: ReadonlySet<string>;
  /** Those that say which passwords are good enough. */
  readonly passwordJudges: readonly string[];
  /** Of a restore that was interrupted, or failed its proof; null where there was none. */
  readonly marker: Marker | null;
  /** True when it is certainly on this machine. */
  readonly isLocal: boolean;
  /** Where its data is; null when that cannot be known from here. */
  readonly freeBytes: number | null;
  /** What it means by SYSTEM, in winter and in summer. */
  readonly systemZone: readonly ZoneReading[];
  readonly others: readonly OtherServer[];
}

/** A configured server, compared with the target. */
export interface OtherServer {
  readonly options: ServerOptions;
  /** null when it could not be asked, and its address is another one. */
  readonly isTarget: boolean | null;
}

/** Asks the server, and those it must not be. Changes nothing. */
export async function readTargetFacts(
  connection: ServerConnection,
  others: readonly ServerOptions[],
): Promise<TargetFacts> {
  const variables = await readVariables(connection);
  const isLocal = isOnThisMachine(connection.options, variables);
  return {
    flavor: connection.flavor,
    version: connection.version,
    variables,
    fixedVariables: await readFixedVariables(connection),
    schemas: await readSchemas(connection),
    accounts: await readAccounts(connection),
    stayingAccounts: await readStayingAccounts(connection),
    primaries: await readPrimaries(connection),
    replicas: await readReplicas(connection),
    plugins: await readPlugins(connection),
    passwordJudges: await readPasswordJudges(connection),
    marker: await readMarker(connection),
    isLocal,
    freeBytes: isLocal ? await freeBytes(variables.get('datadir') ?? '') : null,
    systemZone: await readSystemZone(connection),
    others: await Promise.all(others.map(async (options) => await compareWith(connection, options))),
  };
}

async function names(connection: ServerConnection, sql: string): Promise<string[]> {
  return (await connection.query<{ name: string }>(sql)).map(({ name }) => name);
}

/** Users' schemas. */
export async function readSchemas(connection: ServerConnection): Promise<string[]> {
  return await names(
    connection,
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN (${SYSTEM_SCHEMAS}) ORDER BY 1`,
  );
}

const ACCOUNT = "CONCAT(QUOTE(User), '@', QUOTE(Host))";
/** Those that no administrator made; MySQL 5.6 also makes accounts without a name. */
const INSTALLED = { mariadb: "'root', 'mariadb.sys', 'PUBLIC', 'mysql'", mysql: "'root', ''" } as const;
const STAYING = { mariadb: "'root'", mysql: "'root', ''" } as const;

/** Accounts and roles as statements take them, but for the server's own, root's, and the one that asks. */
export async function readAccounts(connection: ServerConnection): Promise<string[]> {
  return await names(
    connection,
    `SELECT ${connection.flavor === 'mysql' ? ACCOUNT : `IF(is_role = 'Y', CONCAT('ROLE ', QUOTE(User)), ${ACCOUNT})`} AS name FROM mysql.user
     WHERE User NOT IN (${INSTALLED[connection.flavor]}) AND CONCAT(User, '@', Host) <> CURRENT_USER() ORDER BY 1`,
  );
}

async function readStayingAccounts(connection: ServerConnection): Promise<string[]> {
  return await names(
    connection,
    `SELECT ${ACCOUNT} AS name FROM mysql.user
     WHERE User IN (${STAYING[connection.flavor]}) OR CONCAT(User, '@', Host) = CURRENT_USER() ORDER BY 1`,
  );
}

/** Source: MySQL 5.6 manual, "Server System Variables": no table tells it there. Of those that a restore looks at. */
const FIXED_IN_MYSQL = [
  ...['lower_case_table_names', 'explicit_defaults_for_timestamp', 'innodb_page_size', 'innodb_read_only'],
  ...['ft_min_word_len', 'innodb_ft_min_token_size', 'innodb_ft_max_token_size', 'gtid_mode', 'slave_skip_errors'],
];

/** Source: MariaDB manual, "Information Schema SYSTEM_VARIABLES Table". */
async function readFixedVariables(connection: ServerConnection): Promise<Set<string>> {
  if (connection.flavor === 'mysql') return new Set(FIXED_IN_MYSQL);
  const fixed = await names(
    connection,
    "SELECT VARIABLE_NAME AS name FROM information_schema.SYSTEM_VARIABLES WHERE READ_ONLY = 'YES'",
  );
  return new Set(fixed.map((name) => name.toLowerCase()));
}

/** `host:port` of each server that it replicates from, running or not. */
export async function readPrimaries(connection: ServerConnection): Promise<string[]> {
  const rows = await connection.query<{ Master_Host: string; Master_Port: string | number }>(
    TARGET_WORDS[connection.flavor].showPrimaries,
  );
  return rows.map((row) => `${row.Master_Host}:${row.Master_Port}`);
}

async function readReplicas(connection: ServerConnection): Promise<string[]> {
  return await names(
    connection,
    `SELECT CONCAT(USER, '@', HOST) AS name FROM information_schema.PROCESSLIST WHERE COMMAND LIKE 'Binlog Dump%' ORDER BY 1`,
  );
}

/** MariaDB's: those of MySQL take an account without a password, and passwords that come as hashes. */
async function readPasswordJudges(connection: ServerConnection): Promise<string[]> {
  return await names(
    connection,
    `SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS
     WHERE PLUGIN_STATUS = 'ACTIVE' AND PLUGIN_TYPE = 'PASSWORD VALIDATION' ORDER BY 1`,
  );
}

/** Active ones. */
export async function readPlugins(connection: ServerConnection): Promise<Set<string>> {
  return new Set(
    await names(
      connection,
      "SELECT PLUGIN_NAME AS name FROM information_schema.PLUGINS WHERE PLUGIN_STATUS = 'ACTIVE'",
    ),
  );
}

/** A host name alone could be of a machine that was copied. */
function isOnThisMachine({ socket, host }: ServerOptions, variables: ServerVariables): boolean {
  const isNear = socket !== undefined || ['127.0.0.1', '::1', 'localhost'].includes(host ?? '');
  return isNear && variables.get('hostname') === hostname();
}

async function freeBytes(datadir: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(datadir);
    return bavail * bsize;
  } catch {
    return null; // a folder that only the server's user may enter
  }
}

/** `system_time_zone` is of the server's start; where this machine has the same clock, it knows both of its names. */
async function readSystemZone(connection: ServerConnection): Promise<ZoneReading[]> {
  const year = new Date().getUTCFullYear();
  const offset = (month: string): string =>
    `TIMESTAMPDIFF(SECOND, '${year}-${month}-15', CONVERT_TZ('${year}-${month}-15', '+00:00', 'SYSTEM'))`;
  const [row] = await connection.query<{ name: string; january: string; july: string }>(
    `SELECT @@system_time_zone AS name, ${offset('01')} AS january, ${offset('07')} AS july`,
  );
  const readings = [row?.january, row?.july].map((text) => ({ abbreviation: row?.name ?? '', offset: Number(text) }));
  const machine = await readMachineZone(new Date());
  const isMachines = machine.every((reading, index) => reading.offset === readings[index]?.offset);
  return isMachines ? [...readings, ...machine] : readings;
}

/** A server that cannot be asked, as a primary that is lost, is told by its address alone. */
async function compareWith(connection: ServerConnection, options: ServerOptions): Promise<OtherServer> {
  const { host, port, socket } = connection.options;
  const isSameAddress =
    socket === undefined
      ? host !== undefined && host === options.host && (port ?? 3306) === (options.port ?? 3306)
      : socket === options.socket;
  if (isSameAddress) return { options, isTarget: true };
  if (options.host === undefined && options.socket === undefined) return { options, isTarget: null };
  try {
    await using other = await connect(options, { answerWithinMs: 10_000 });
    return { options, isTarget: isSameServer(await readServerPlace(connection), await readServerPlace(other)) };
  } catch {
    return { options, isTarget: null };
  }
}
