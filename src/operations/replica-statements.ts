import type { Coordinates } from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';

/** How a replica comes to an archive server. */
export interface ReplicaStatement {
  /** Which servers understand it, in words. */
  readonly for: string;
  readonly sql: string;
}

export interface ReplicaAddress {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** null: it is not to be shown. */
  readonly password: string | null;
  readonly tls: boolean;
}

const PLACEHOLDER = 'the password of --password-file';
/** Listening on all addresses is no address to come to. */
const ANY_ADDRESS = new Set(['0.0.0.0', '::']);

/**
 * The statements with which a replica follows an archive server: each server's own words. `gtids` false: its log has none.
 * Source: MariaDB manual, "CHANGE MASTER TO"; MySQL 8.4 manual, "CHANGE REPLICATION SOURCE TO Statement".
 */
export function replicaStatements(
  address: ReplicaAddress,
  log: { readonly flavor: Flavor; readonly gtids: boolean; readonly from: Coordinates },
): ReplicaStatement[] {
  return log.flavor === 'mariadb' ? mariadb(address, log) : mysql(address, log);
}

function mariadb(address: ReplicaAddress, { from, gtids }: { from: Coordinates; gtids: boolean }): ReplicaStatement[] {
  const change = (...more: string[]): string => sql('CHANGE MASTER TO', [...reach(address, 'MASTER'), ...more]);
  const byGtid = {
    for: 'MariaDB, by GTID: at any state that lies in the log',
    sql: change('MASTER_USE_GTID = slave_pos'),
  };
  const byPlace = {
    for: 'MariaDB, by file and position',
    sql: change(...placeOf(from, 'MASTER'), 'MASTER_USE_GTID = no'),
  };
  return gtids ? [byGtid, byPlace] : [byPlace];
}

function mysql(address: ReplicaAddress, { from, gtids }: { from: Coordinates; gtids: boolean }): ReplicaStatement[] {
  return (['SOURCE', 'MASTER'] as const).flatMap((word) => {
    const isNew = word === 'SOURCE';
    const name = isNew ? 'MySQL since 8.0.23' : 'MySQL before 8.0.23';
    const head = isNew ? 'CHANGE REPLICATION SOURCE TO' : 'CHANGE MASTER TO';
    const change = (...more: string[]): string => sql(head, [...reach(address, word), ...more]);
    const byGtid = { for: `${name}, by GTID`, sql: change(`${word}_AUTO_POSITION = 1`) };
    const byPlace = {
      for: `${name}, by file and position`,
      sql: change(...placeOf(from, word), `${word}_AUTO_POSITION = 0`),
    };
    return gtids ? [byGtid, byPlace] : [byPlace];
  });
}

type Word = 'MASTER' | 'SOURCE';

/** Newer versions want TLS when nothing is said of it. */
function reach({ host, port, user, password, tls }: ReplicaAddress, word: Word): string[] {
  return [
    `${word}_HOST = ${quote(ANY_ADDRESS.has(host) ? 'this machine' : host)}`,
    `${word}_PORT = ${port}`,
    `${word}_USER = ${quote(user)}`,
    `${word}_PASSWORD = ${quote(password ?? PLACEHOLDER)}`,
    `${word}_SSL = ${tls ? 1 : 0}`,
  ];
}

function placeOf({ file, position }: Coordinates, word: Word): string[] {
  return [`${word}_LOG_FILE = ${quote(file)}`, `${word}_LOG_POS = ${position}`];
}

function sql(head: string, options: readonly string[]): string {
  return `${head} ${options.join(', ')};`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
