import type { ServerConnection } from './connection.ts';

/** How a server's semi-synchronous replication is set, as a source, and how it goes. */
export interface SemiSyncSource {
  /** In its variables: MySQL has another word since 8.0.26. */
  readonly word: 'master' | 'source';
  readonly enabled: boolean;
  /** How long a commit waits before the source goes on without any acknowledgement, silently. */
  readonly timeoutMs: number;
  /** AFTER_SYNC or AFTER_COMMIT; null on MySQL 5.6, which has no choice: after the commit. */
  readonly waitPoint: string | null;
  /** Whether commits wait also while no semi-synchronous replica is connected. */
  readonly waitsAlone: boolean;
  /** How many acknowledgements a commit waits for; 1 where that cannot be set. */
  readonly wanted: number;
  /** Semi-synchronous replicas that are connected. */
  readonly clients: number;
  /** False: commits do not wait at present. */
  readonly active: boolean;
  /** Commits since the server's start that went on without an acknowledgement. */
  readonly unacknowledged: number;
}

/**
 * Reads how a server is set and how it goes as a source of semi-synchronous replicas; null when it has no such thing: on
 * MySQL that is a plugin.
 *
 * Source: MariaDB 10.11 sql/semisync_master.cc; MySQL 5.6 and 8.4 plugin/semisync.
 */
export async function readSemiSync(connection: ServerConnection): Promise<SemiSyncSource | null> {
  const variables = await readByName(connection, 'VARIABLES');
  const word = (['source', 'master'] as const).find((name) => variables.has(`rpl_semi_sync_${name}_enabled`));
  if (word === undefined) return null;
  const status = await readByName(connection, 'STATUS');
  const variable = (name: string): string | undefined => variables.get(`rpl_semi_sync_${word}_${name}`);
  const state = (name: string): string | undefined => status.get(`rpl_semi_sync_${word}_${name}`);
  const alone = variable('wait_no_replica') ?? variable('wait_no_slave');
  return {
    word,
    enabled: isOn(variable('enabled')),
    timeoutMs: Number(variable('timeout')),
    waitPoint: variable('wait_point') ?? null,
    waitsAlone: isOn(alone),
    wanted: Number(variable('wait_for_replica_count') ?? variable('wait_for_slave_count') ?? 1),
    clients: Number(state('clients')),
    active: isOn(state('status')),
    unacknowledged: Number(state('no_tx')),
  };
}

/** The statement that makes the server a source of semi-synchronous replicas. */
export function enableSemiSync(found: SemiSyncSource | null): string {
  if (found !== null) return `SET GLOBAL rpl_semi_sync_${found.word}_enabled = ON; and in the option file.`;
  return (
    "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'; SET GLOBAL rpl_semi_sync_source_enabled = ON; and in the " +
    'option file. Before MySQL 8.0.26: rpl_semi_sync_master, semisync_master.so and rpl_semi_sync_master_enabled.'
  );
}

async function readByName(connection: ServerConnection, what: 'VARIABLES' | 'STATUS'): Promise<Map<string, string>> {
  const sql = `SHOW GLOBAL ${what} LIKE 'rpl_semi_sync_%'`;
  const rows = await connection.query<{ Variable_name: string; Value: string }>(sql);
  return new Map(rows.map(({ Variable_name: name, Value: value }) => [name.toLowerCase(), value]));
}

function isOn(value: string | undefined): boolean {
  return value === 'ON' || value === '1';
}
