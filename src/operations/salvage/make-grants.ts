import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import type { NotCarried } from './carry-definition.ts';
import { openLive } from './live-session.ts';

/**
 * Gives the privileges; the accounts must be there. All else is in its place by now, so a server that cannot be reached
 * is no failure either. @returns those that the server did not take, with its reason
 */
export async function makeGrants(server: ServerOptions, statements: readonly string[]): Promise<NotCarried[]> {
  const refused: NotCarried[] = [];
  const attempt = async (names: readonly string[], work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!isLastgoodError(error)) throw error;
      refused.push(...names.map((name) => ({ type: 'grant' as const, name, why: error.message })));
    }
  };
  await attempt(statements, async () => {
    await using live = await openLive(server);
    await live.query("SET SESSION sql_mode = 'NO_AUTO_CREATE_USER'");
    for (const statement of statements) await attempt([statement], () => live.query(statement));
  });
  return refused;
}
