import { isLastgoodError } from '../../platform/errors.ts';
import { readLogFilters, type LogFilters } from '../../server/binary-logs.ts';
import type { ServerConnection } from '../../server/connection.ts';
import type { SchemaContent } from './schema-content.ts';
import { STAGING_PREFIX } from '../../recovery/staging-name.ts';

/**
 * Why replicas could not follow a salvage through the server's binary log, in words. A replica that gets the move of
 * tables but not the tables stops. What a replica itself leaves out nobody can see from here.
 *
 * @param as the schema's name on the live server
 * @param content null: not known yet
 */
export async function unfitLog(live: ServerConnection, as: string, content: SchemaContent | null): Promise<string[]> {
  const [log] = await live.query<{ isOn: string | number; format: string }>(
    'SELECT @@GLOBAL.log_bin AS isOn, @@GLOBAL.binlog_format AS format',
  );
  if (Number(log?.isOn) === 0) return [];
  const draws = content?.tables.some(({ type }) => type === 'sequence') ?? false;
  return [
    ...(await filters(live, as)),
    // Source: MariaDB manual, "SEQUENCE Overview", replication: SETVAL is unsafe in statements.
    ...(draws && log?.format === 'STATEMENT' ? ['its binlog_format is STATEMENT, which cannot hold sequences'] : []),
  ];
}

async function filters(live: ServerConnection, as: string): Promise<string[]> {
  const { only, without } = await filtersToSee(live);
  return [
    ...(only.length === 0
      ? []
      : [`its binlog_do_db is ${only.join(',')}, so that replicas would not get ${STAGING_PREFIX}...`]),
    ...(without.includes(as) ? [`its binlog_ignore_db has ${as}, so that replicas would not get it`] : []),
  ];
}

async function filtersToSee(live: ServerConnection): Promise<LogFilters> {
  try {
    return await readLogFilters(live);
  } catch (error) {
    if (isLastgoodError(error, 'PRIVILEGE_MISSING')) return { only: [], without: [] }; // the documented account may not see it
    throw error;
  }
}
