import { isLastgoodError } from '../../platform/errors.ts';
import { waitFor } from '../../platform/wait.ts';
import type { ServerConnection } from '../../server/connection.ts';

/** ER_NO_SUCH_THREAD */
const NO_SUCH_THREAD = 1094;
const PATIENCE_MS = 60_000;

/**
 * Ends a session and waits until the server has let go of it: what a lost one was doing the server does to its end, also
 * after others have begun to clean up. An account may always end its own sessions.
 *
 * @throws LastgoodError `TOOL_FAILED` when it is still at work after a minute, and what a connection throws
 */
export async function endSession(lost: ServerConnection, reconnect: () => Promise<ServerConnection>): Promise<void> {
  await lost.close();
  await using session = await reconnect();
  try {
    await session.query(`KILL ${lost.threadId}`);
  } catch (error) {
    if (!isLastgoodError(error) || error.details['errno'] !== NO_SUCH_THREAD) throw error;
  }
  const isGone = async (): Promise<boolean> =>
    (await session.query('SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?', [lost.threadId])).length === 0;
  await waitFor(isGone, { timeoutMs: PATIENCE_MS, what: `session ${lost.threadId} to end` });
}
