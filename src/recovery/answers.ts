import { within } from '../platform/wait.ts';
import type { ServerConnection } from '../server/connection.ts';

/** Behind a question that the server waits with, such as for room on its disk, no other one is answered. */
const PATIENCE_MS = 10_000;

/** True while the server still answers on this connection. */
export async function answers(connection: ServerConnection, patienceMs = PATIENCE_MS): Promise<boolean> {
  const answered = connection.query('SELECT 1').then(
    () => true,
    () => false,
  );
  return await within(patienceMs, answered, false);
}
