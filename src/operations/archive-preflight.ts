import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import type { PrimarySettings } from './settings.ts';

/**
 * What must hold before a stream is asked for. Few and cheap questions: the source is a primary at work.
 *
 * @param log told of what will be missing in the archive; null: it was told before
 * @throws LastgoodError `PREFLIGHT_FAILED`
 */
export async function checkSource(
  connection: ServerConnection,
  primary: PrimarySettings,
  log: Logger | null,
): Promise<void> {
  const [row] = await connection.query<{ logBin: string | number; serverId: string | number }>(
    'SELECT @@GLOBAL.log_bin AS logBin, @@GLOBAL.server_id AS serverId',
  );
  const server = describeServer(primary);
  if (Number(row?.logBin ?? 0) !== 1) {
    throw new LastgoodError('PREFLIGHT_FAILED', `the ${server} writes no binary log: log_bin is OFF`, {
      hint: 'Set log_bin in its option file and restart it.',
    });
  }
  if (Number(row?.serverId) === primary.serverId) {
    throw new LastgoodError('PREFLIGHT_FAILED', `the ${server} has server_id ${primary.serverId} itself`, {
      hint: 'Give primary.server_id a number that no server of the topology has.',
    });
  }
  const [engine] = await connection.query<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'binlog_storage_engine'");
  if (engine !== undefined && engine.Value !== '') {
    throw new LastgoodError(
      'PREFLIGHT_FAILED',
      `the ${server} keeps its binary log inside ${engine.Value}: there are no files to archive`,
      {
        hint: 'Unset binlog_storage_engine on the source.',
      },
    );
  }
  if (log !== null) await warnOfTexts(connection, log);
}

/** Says what cannot be found in such a log. Other sessions may write in another format; a default tells of most. */
export async function warnOfTexts(connection: Pick<ServerConnection, 'query'>, log: Logger): Promise<void> {
  const [row] = await connection.query<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'binlog_format'");
  const format = row?.Value ?? 'ROW'; // the only one of servers that do not let it be chosen
  if (format === 'ROW') return;
  log.warn(
    { binlogFormat: format, hint: 'On the source: SET GLOBAL binlog_format = ROW; and in its option file.' },
    'the source logs changes of rows as text: how many a statement changed cannot be counted, and a DELETE or UPDATE with a condition is not found',
  );
}
