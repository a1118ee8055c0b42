import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { waitFor } from '../platform/wait.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import type { Marker } from './restore-marker.ts';

/** A client that loads a backup ends by itself once its maker is gone: after what it was given last. */
const PATIENCE_MS = 10_000;

/**
 * Waits for the end of what a killed restore has left at work: only then it is certain what the server holds.
 *
 * @throws LastgoodError `LOCKED` naming the sessions that go on, `INTERRUPTED`
 */
export async function waitForLeftSessions(
  connection: ServerConnection,
  { account }: Marker,
  { signal, timeoutMs = PATIENCE_MS }: { signal?: AbortSignal | undefined; timeoutMs?: number },
): Promise<void> {
  const user = /^'(.+)'@/.exec(account ?? '')?.[1];
  if (user === undefined) return;
  let left: string[] = [];
  const areGone = async (): Promise<boolean> => {
    left = await sessionsOf(connection, user);
    return left.length === 0;
  };
  await waitFor(areGone, { timeoutMs, what: 'the sessions of a killed restore', signal }).catch((error: unknown) => {
    throw isLastgoodError(error, 'TOOL_FAILED') ? stillAtWork(connection, left) : error;
  });
}

async function sessionsOf(connection: ServerConnection, user: string): Promise<string[]> {
  const rows = await connection.query<{ id: string | number }>(
    'SELECT ID AS id FROM information_schema.PROCESSLIST WHERE USER = ? ORDER BY ID',
    [user],
  );
  return rows.map(({ id }) => String(id));
}

function stillAtWork({ options }: ServerConnection, ids: readonly string[]): LastgoodError {
  const [sessions, are] = ids.length === 1 ? ['session', 'is'] : ['sessions', 'are'];
  const message = `${sessions} ${ids.join(', ')} of a restore that was killed ${are} still at work in the ${describeServer(options)}`;
  const kills = ids.map((id) => `KILL ${id};`).join(' ');
  return new LastgoodError('LOCKED', message, {
    details: { sessions: ids.join(', ') },
    hint: `Wait for the end of what they do, or end it there: ${kills} Then run again.`,
  });
}
