import type { ServerConnection } from '../server/connection.ts';
import { readVariables } from '../server/facts.ts';

/** What a scratch server has to share, so that the dump loads and the log replays to the same result. */
const SETTINGS = [
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
  'event_scheduler',
  'group_concat_max_len',
  'default_week_format',
  'div_precision_increment',
  'ft_min_word_len',
  'innodb_ft_min_token_size',
  'innodb_ft_max_token_size',
  'lc_time_names',
  'log_bin_trust_function_creators',
  'max_allowed_packet',
  'max_sp_recursion_depth',
];

/** Reads them from the replica; what this version does not know is left out. */
export async function readBackupSettings(connection: ServerConnection): Promise<Record<string, string>> {
  const variables = await readVariables(connection);
  return Object.fromEntries(
    SETTINGS.flatMap((name) => {
      const value = variables.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}
