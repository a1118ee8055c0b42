import { isLastgoodError } from '../../../src/platform/errors.ts';
import { waitFor } from '../../../src/platform/wait.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';
import type { TestServer } from '../servers.ts';
import type { RandomWorkload } from './workload.ts';

/**
 * Runs a workload; what a server refuses is a part of it.
 *
 * @returns how many statements it took
 */
export async function play(server: TestServer, { sessions, steps }: RandomWorkload): Promise<number> {
  const connections: ServerConnection[] = [];
  let taken = 0;
  try {
    for (let count = 0; count < sessions; count += 1) connections.push(await server.connect());
    for (const { session, sql } of steps) {
      try {
        await connections[session]?.query(sql);
        taken += 1;
      } catch (error) {
        if (!isLastgoodError(error, 'SERVER_QUERY_FAILED')) throw error;
      }
    }
  } finally {
    for (const connection of connections) await connection[Symbol.asyncDispose]();
  }
  return taken;
}

/** Ends what a workload left prepared, so that it does not stand in the way of the next. */
export async function finishPrepared(primary: TestServer): Promise<void> {
  await using connection = await primary.connect();
  const done = async (): Promise<boolean> => {
    await finishOnce(connection).catch(() => undefined); // a session that ended a moment ago may still hold its own: again
    return (await connection.query('XA RECOVER')).length === 0;
  };
  await waitFor(done, { timeoutMs: 30_000, intervalMs: 20, what: 'the end of prepared transactions' });
}

async function finishOnce(connection: ServerConnection): Promise<void> {
  const prepared = await connection.query<{ data: string }>("XA RECOVER FORMAT='SQL'");
  for (const [index, { data }] of prepared.entries()) {
    await connection.query(`XA ${index % 2 === 0 ? 'COMMIT' : 'ROLLBACK'} ${data}`);
  }
}
