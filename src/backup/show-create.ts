import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';

/**
 * Runs a SHOW CREATE statement. @returns its row's values by position, as the server stores them: text may be in any character set
 *
 * @throws LastgoodError `PRIVILEGE_MISSING` where the server hides a text from this account, and what a query throws
 */
export async function showCreate(connection: ServerConnection, sql: string): Promise<readonly Buffer[]> {
  for await (const row of connection.rows(sql)) {
    if (row.every((value) => value !== null)) return row.map((value) => Buffer.from(value));
  }
  const server = describeServer(connection.options);
  throw new LastgoodError('PRIVILEGE_MISSING', `the ${server} hides from this account what '${sql}' should show`);
}
