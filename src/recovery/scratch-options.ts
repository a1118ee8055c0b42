/** Server options by name, as an option file has them. */
export type ServerOptionValues = Readonly<Record<string, string>>;

const MIB = 1024 * 1024;
const ONE_GIB = '1073741824';
const ONE_YEAR_SECONDS = '31536000';
const ONE_HOUR_SECONDS = '3600';
/** The largest that the relay log of a replay becomes, bytes. */
export const RELAY_LOG_BYTES = 1024 * MIB;

/** Of the source, and yet no target's: told in words elsewhere, set by hand or once the backup is loaded, or of no effect. */
export const NOT_TAKEN_OVER = new Set([
  'event_scheduler',
  'max_allowed_packet',
  'system_time_zone',
  'system_utc_offset',
  'plugins',
  'time_zone',
  'innodb_page_size',
  'innodb_encrypt_tables',
]);

/**
 * While a backup is loaded and the log replayed: as fast as can be, because a server that crashes now is thrown away.
 * It writes no binary log: that is MariaDB's default.
 *
 * @param settings of the source: what decides how statements are understood
 */
export function restoringOptions(settings: ServerOptionValues, serverId: number): ServerOptionValues {
  return {
    ...common(settings, serverId),
    // To the system at each commit, to the disk now and then: what is committed outlives the server's process, and a resumed
    // restore finds no later GTID missing whose DDL is there. Buffered, so that it costs a copy only.
    innodb_flush_log_at_trx_commit: '2',
    loose_innodb_log_file_buffering: '1',
    innodb_doublewrite: '0',
    performance_schema: 'OFF',
    // One applier: killed, several would leave parts of groups behind the next one, and nobody could go on from there.
    slave_parallel_threads: '0',
    sync_relay_log: '0',
    sync_relay_log_info: '0',
    sync_master_info: '0',
    relay_log: 'lastgood-relay',
    // The archive is on this machine: it need not be stored twice. Only whole files are removed, so they are small.
    relay_log_space_limit: String(RELAY_LOG_BYTES),
    max_relay_log_size: String(64 * MIB),
    // Our session says nothing for as long as a load takes; a slow disk is no reason to end one.
    wait_timeout: ONE_YEAR_SECONDS,
    interactive_timeout: ONE_YEAR_SECONDS,
    net_read_timeout: ONE_HOUR_SECONDS,
    net_write_timeout: ONE_HOUR_SECONDS,
    // Loopback does not break, and a replica that asks again past 4 GiB could not say where.
    slave_net_timeout: '86400',
    // The log holds what triggers did; foreign keys work in the engine.
    slave_run_triggers_for_rbr: 'NO',
    // Groups of a failover's old primary may stand out of order; the proof checks the state.
    gtid_strict_mode: 'OFF',
    // Events with our own id would be passed over without a word.
    replicate_same_server_id: '1',
    max_allowed_packet: ONE_GIB,
    slave_max_allowed_packet: ONE_GIB,
  };
}

/**
 * Once proven: the server's own defaults, which are durable. The event scheduler stays off until a person decides.
 *
 * @param systemZone what the source calls SYSTEM, where this machine's is another: so nobody who starts it has to set TZ
 */
export function handedOverOptions(
  settings: ServerOptionValues,
  serverId: number,
  systemZone: string | null,
): ServerOptionValues {
  const { max_allowed_packet: packet, time_zone: named = 'SYSTEM' } = settings;
  const zone = named === 'SYSTEM' ? systemZone : named;
  return {
    ...common(settings, serverId),
    ...(packet === undefined ? {} : { max_allowed_packet: packet }),
    ...(zone === null ? {} : { default_time_zone: zone }),
  };
}

/** For the command line. */
export function asArguments(options: ServerOptionValues): string[] {
  return Object.entries(options).map(([name, value]) => `--${name}=${value}`);
}

/** For `mariadbd --defaults-file=`. Source: MariaDB manual, "Configuring MariaDB with Option Files". */
export function asOptionFile(options: ServerOptionValues): string {
  const lines = Object.entries(options).map(([name, value]) => `${name} = "${value.replaceAll('\\', '\\\\')}"`);
  return ['[mysqld]', ...lines, ''].join('\n');
}

function common(settings: ServerOptionValues, serverId: number): ServerOptionValues {
  const taken = Object.entries(settings).filter(([name]) => !NOT_TAKEN_OVER.has(name));
  return {
    // A setting that this server's version does not know is no reason not to start.
    ...Object.fromEntries(taken.map(([name, value]) => [`loose-${name}`, value])),
    ...pluginsOf(settings),
    ...pagesOf(settings),
    server_id: String(serverId),
    event_scheduler: 'OFF',
    skip_slave_start: '1',
  };
}

/** As its folder was made: a larger row, or key of an index, fits a larger page only. */
function pagesOf({ innodb_page_size: bytes }: ServerOptionValues): ServerOptionValues {
  return bytes === undefined ? {} : { innodb_page_size: bytes };
}

/** The server starts without one that this machine does not have: only its error log tells. Tried on MariaDB 10.11. */
function pluginsOf({ plugins = '' }: ServerOptionValues): ServerOptionValues {
  return plugins === '' ? {} : { plugin_load_add: plugins.replaceAll(',', ';') };
}
