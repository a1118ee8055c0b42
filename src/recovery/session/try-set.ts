import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';

/** @returns false when the server does not know it, or the account may not */
export async function trySet(connection: ServerConnection, statement: string): Promise<boolean> {
  try {
    await connection.query(statement);
    return true;
  } catch (error) {
    if (isLastgoodError(error, 'PRIVILEGE_MISSING') || isLastgoodError(error, 'SERVER_QUERY_FAILED')) return false;
    throw error;
  }
}
