import type { ServerConnection } from './connection.ts';

/** When a server removes binary log files by itself. */
export interface LogExpiry {
  /** Seconds after a file was last written to; 0: never. */
  readonly seconds: number;
  /** The variable that says so. */
  readonly variable: string;
  /** The oldest files go when all together are larger; 0: no limit. MariaDB 11.4 and later, Percona Server. */
  readonly maxTotalBytes: number;
}

const NAMES = [
  'binlog_expire_logs_auto_purge',
  'binlog_expire_logs_seconds',
  'expire_logs_days',
  'max_binlog_total_size',
  'binlog_space_limit',
] as const;

/** Asks for these variables only. @throws LastgoodError `SERVER_QUERY_FAILED`, `SERVER_UNREACHABLE` */
export async function readLogExpiry(connection: ServerConnection): Promise<LogExpiry> {
  const names = NAMES.map((name) => `'${name}'`).join(', ');
  const rows = await connection.query<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`,
  );
  return logExpiry(new Map(rows.map(({ Variable_name: name, Value: value }) => [name.toLowerCase(), value])));
}

/**
 * Reads the expiry out of a server's variables.
 *
 * Source: MySQL 8.4 manual, binlog_expire_logs_seconds and binlog_expire_logs_auto_purge; MariaDB manual,
 * expire_logs_days and max_binlog_total_size; Percona Server manual, binlog_space_limit.
 */
export function logExpiry(variables: ReadonlyMap<string, string>): LogExpiry {
  const number = (name: (typeof NAMES)[number]): number => Number(variables.get(name) ?? 0);
  const maxTotalBytes = number('max_binlog_total_size') || number('binlog_space_limit');
  if (variables.get('binlog_expire_logs_auto_purge') === 'OFF')
    return { seconds: 0, variable: 'binlog_expire_logs_auto_purge', maxTotalBytes };
  const seconds = number('binlog_expire_logs_seconds');
  if (seconds > 0 || !variables.has('expire_logs_days'))
    return { seconds, variable: 'binlog_expire_logs_seconds', maxTotalBytes };
  const days = number('expire_logs_days');
  const variable =
    days === 0 && variables.has('binlog_expire_logs_seconds') ? 'binlog_expire_logs_seconds' : 'expire_logs_days';
  return { seconds: days * 86_400, variable, maxTotalBytes };
}
