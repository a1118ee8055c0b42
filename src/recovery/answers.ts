import type { ServerConnection } from '../server/connection.ts';

/** True while the server still answers on this connection. */
export async function answers(connection: ServerConnection): Promise<boolean> {
  return await connection.query('SELECT 1').then(
    () => true,
    () => false,
  );
}
