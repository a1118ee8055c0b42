import type { ServerConnection } from '../server/connection.ts';
import { readVariables } from '../server/facts.ts';

/**
 * What a scratch server has to share, so that the dump loads and the log replays to the same result: what definitions
 * and statements mean, and where they fail. What the log carries with each statement (sql_mode, character sets, zone)
 * is for what people do later, and for what the log does not carry it with.
 */
const SETTINGS = [
  // How definitions are understood, and what they get where they say nothing.
  'lower_case_table_names',
  'character_set_server',
  'collation_server',
  'character_set_collations',
  'sql_mode',
  'old_mode',
  'time_zone',
  'system_time_zone',
  'default_storage_engine',
  'explicit_defaults_for_timestamp',
  'innodb_page_size',
  'innodb_default_row_format',
  'innodb_strict_mode',
  'innodb_file_per_table',
  'innodb_compression_default',
  'innodb_read_only_compressed',
  'innodb_encrypt_tables',
  'mysql56_temporal_format',
  'event_scheduler',
  // What an expression yields: a logged statement computes it anew.
  'group_concat_max_len',
  'default_week_format',
  'default_regex_flags',
  'div_precision_increment',
  'max_recursive_iterations',
  'max_sort_length',
  'block_encryption_mode',
  'updatable_views_with_limit',
  // Where a MEMORY table is full.
  'max_heap_table_size',
  'tmp_table_size',
  // What full-text search finds.
  'ft_min_word_len',
  'innodb_ft_min_token_size',
  'innodb_ft_max_token_size',
  'lc_time_names',
  'log_bin_trust_function_creators',
  'max_allowed_packet',
  'max_sp_recursion_depth',
  // MySQL: with GTIDs or without, a server only takes a log like its own.
  'gtid_mode',
];

/** Reads them from the replica; what this version does not know is left out. */
export async function readBackupSettings(connection: ServerConnection): Promise<Record<string, string>> {
  const variables = await readVariables(connection);
  const taken = SETTINGS.flatMap((name) => {
    const value = variables.get(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    ...Object.fromEntries(taken),
    plugins: await readPlugins(connection),
    system_utc_offset: await readSystemUtcOffset(connection),
  };
}

/**
 * No variable but what accounts, tables and statements need as much: plugins that a server does not have by itself,
 * as `name=library,...`. Auditors and judges of passwords are left where they are: they would only stand in the way.
 */
async function readPlugins(connection: ServerConnection): Promise<string> {
  const plugins = await connection.query<{ name: string; library: string }>(
    `SELECT PLUGIN_NAME AS name, PLUGIN_LIBRARY AS library FROM information_schema.PLUGINS
     WHERE PLUGIN_LIBRARY IS NOT NULL AND PLUGIN_STATUS = 'ACTIVE'
     AND PLUGIN_TYPE IN ('AUTHENTICATION', 'STORAGE ENGINE', 'FTPARSER', 'FUNCTION', 'DATA TYPE') ORDER BY 1`,
  );
  return plugins.map(({ name, library }) => `${name}=${library}`).join(',');
}

/** What `time_zone = SYSTEM` means there now, seconds east of UTC: `system_time_zone` is only a name, as `CET`. */
async function readSystemUtcOffset(connection: ServerConnection): Promise<string> {
  const [row] = await connection.query<{ seconds: string }>(
    `SELECT TIMESTAMPDIFF(SECOND, now, CONVERT_TZ(now, '+00:00', 'SYSTEM')) AS seconds
     FROM (SELECT UTC_TIMESTAMP() AS now) AS clock`,
  );
  return String(row?.seconds);
}
