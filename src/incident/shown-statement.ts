import type { Incident } from './incident.ts';

/**
 * How people are shown what was run. With rows the log has it only where the server was told so.
 *
 * Source: MariaDB `binlog_annotate_row_events`, MySQL `binlog_rows_query_log_events` (off by default).
 */
export function shownStatement({ statement }: Pick<Incident, 'statement'>): string {
  return statement === '' ? 'not in the log' : statement;
}
