import type { ServerConnection } from './connection.ts';
import { ARCHIVER_HOST } from './dump-client.ts';

/** A client that replicates from a server, as it has registered itself. */
export interface DumpClient {
  readonly serverId: number;
  /** What it calls itself. */
  readonly host: string;
  /** MySQL only. */
  readonly uuid: string | null;
}

/**
 * Lists who has registered as a replica. The server also lists one that is gone, until it next sends it something.
 *
 * @throws LastgoodError `PRIVILEGE_MISSING`; MySQL wants REPLICATION SLAVE, MariaDB REPLICATION MASTER ADMIN
 */
export async function listDumpClients(connection: Pick<ServerConnection, 'query'>): Promise<DumpClient[]> {
  const rows = await connection.query<{ Server_id: number | string; Host: string; Slave_UUID?: string }>(
    'SHOW SLAVE HOSTS',
  );
  return rows.map(({ Server_id: id, Host: host, Slave_UUID: uuid = null }) => ({ serverId: Number(id), host, uuid }));
}

/**
 * Where the account of this connection reads the binary log from: one address for each dump. Whoever may not see more of a server
 * sees at least its own account's threads. Source: MySQL 8.4 and MariaDB manuals, SHOW PROCESSLIST; tried.
 */
export async function listOwnDumps(connection: Pick<ServerConnection, 'query' | 'options'>): Promise<string[]> {
  const rows = await connection.query<{ User: string; Host: string; Command: string }>('SHOW PROCESSLIST');
  return rows
    .filter(({ User: user, Command: command }) => user === connection.options.user && command.startsWith('Binlog Dump'))
    .map(({ Host: host }) => host.replace(/:\d+$/, ''));
}

/** True for an archiver of this product, of any version. */
export function isArchiver({ host }: Pick<DumpClient, 'host'>): boolean {
  return host === ARCHIVER_HOST || host.startsWith(`${ARCHIVER_HOST}@`);
}

/** In words: 'an archiver on backup-2'. */
export function describeClient(client: Pick<DumpClient, 'host'>): string {
  const { host } = client;
  if (!isArchiver(client)) return host === '' ? 'a replica' : `a replica that calls itself '${host}'`;
  const machine = machineOf(client);
  return machine === null ? 'another archiver' : `an archiver on '${machine}'`;
}

/** Of an archiver, as far as it says so; null of all others. */
export function machineOf({ host }: Pick<DumpClient, 'host'>): string | null {
  return /^lastgood@(.*):[0-9a-f]+$/.exec(host)?.[1] ?? null;
}
