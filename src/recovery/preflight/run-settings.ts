import type { ServerVariables } from '../../server/facts.ts';
import { NOT_TAKEN_OVER, type ServerOptionValues } from '../scratch-options.ts';
import type { Obstacle } from './obstacle.ts';

const ONE_GIB = '1073741824';
const ONE_HOUR_SECONDS = '3600';

/** As fast as can be: a server that crashes now is loaded anew. And so that the applier does what the log says, no more and no less. */
const WHILE_RESTORING: ServerOptionValues = {
  innodb_flush_log_at_trx_commit: '0',
  sync_binlog: '0',
  sync_relay_log: '0',
  sync_relay_log_info: '0',
  sync_master_info: '0',
  max_relay_log_size: '67108864', // only whole files are removed
  max_allowed_packet: ONE_GIB,
  slave_max_allowed_packet: ONE_GIB,
  net_read_timeout: ONE_HOUR_SECONDS,
  net_write_timeout: ONE_HOUR_SECONDS,
  slave_net_timeout: '86400',
  max_statement_time: '0.000000',
  slave_max_statement_time: '0.000000',
  read_binlog_speed_limit: '0',
  event_scheduler: 'OFF',
  // The log holds what triggers did; foreign keys work in the engine.
  slave_run_triggers_for_rbr: 'NO',
  slave_exec_mode: 'STRICT',
  slave_ddl_exec_mode: 'IDEMPOTENT',
  sql_slave_skip_counter: '0',
  // Groups of a failover's old primary may stand out of order; the proof checks the state.
  gtid_strict_mode: 'OFF',
  // Every session does its own work and no more, each statement for itself, and a table has the engine that its definition says.
  autocommit: 'ON',
  completion_type: 'NO_CHAIN',
  init_slave: '',
  enforce_storage_engine: '',
  // Passwords come as hashes, of which no plugin can say how good they are.
  strict_password_validation: 'OFF',
  replicate_do_db: '',
  replicate_ignore_db: '',
  replicate_do_table: '',
  replicate_ignore_table: '',
  replicate_wild_do_table: '',
  replicate_wild_ignore_table: '',
  replicate_rewrite_db: '',
  replicate_events_marked_for_skip: 'REPLICATE',
};

/** Of those that only a restart can change: with other values the result would be another. */
const REQUIRED: ServerOptionValues = { slave_skip_errors: 'OFF', innodb_read_only: 'OFF' };

/** What to set for the run; what stands in its way. */
export interface RunSettings {
  /** By name; what they were is known from the server. */
  readonly set: ServerOptionValues;
  readonly obstacles: readonly Obstacle[];
}

/**
 * Compares the server's settings with the source's, and with what a restore needs. What the server's version does not
 * know is left out. Pure.
 *
 * @param source of the source, from the backup's record
 */
export function planSettings(
  server: { variables: ServerVariables; fixedVariables: ReadonlySet<string> },
  source: ServerOptionValues,
  serverId: number,
): RunSettings {
  const shared = Object.entries(source).filter(([name]) => !NOT_TAKEN_OVER.has(name));
  const differs = ([name, value]: [string, string]): boolean => {
    const found = server.variables.get(name);
    return found !== undefined && found !== value && !(name === 'event_scheduler' && found === 'DISABLED');
  };
  const wanted = [...shared, ...Object.entries(WHILE_RESTORING)].filter(differs);
  const isFixed = ([name]: [string, string]): boolean => server.fixedVariables.has(name);
  const fixed = [...wanted.filter(isFixed), ...Object.entries(REQUIRED).filter(differs)];
  return {
    set: { ...Object.fromEntries(wanted.filter((setting) => !isFixed(setting))), server_id: String(serverId) },
    obstacles: fixed.map(([name, value]) => ({
      what: `its ${name} is ${server.variables.get(name) ?? ''}, and has to be ${value}`,
      fix: `Set ${name} = ${value} in its option file and restart it.`,
    })),
  };
}
