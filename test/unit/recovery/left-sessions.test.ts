import { describe, expect, it } from 'vitest';
import { waitForLeftSessions } from '../../../src/recovery/left-sessions.ts';
import type { Marker } from '../../../src/recovery/restore-marker.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

/** A server that gives one answer after the other, and then the last one for ever. */
function server(answers: readonly (readonly number[])[]): { connection: ServerConnection; asked: string[] } {
  const asked: string[] = [];
  const query = (_sql: string, [user]: readonly string[]) => {
    asked.push(user ?? '');
    return Promise.resolve((answers[asked.length - 1] ?? answers.at(-1) ?? []).map((id) => ({ id })));
  };
  return { connection: { query, options: { name: 'target', user: 'root' } } as unknown as ServerConnection, asked };
}

const marker = (account: string | null): Marker => ({ note: null, borrowed: [], account });
const OURS = marker("'lastgood-0a1b2c'@'localhost'");

describe('what a killed restore has left at work', () => {
  it('is waited for until it has ended', async () => {
    const { connection, asked } = server([[7], [7], []]);
    await waitForLeftSessions(connection, OURS, {});
    expect(asked).toEqual(['lastgood-0a1b2c', 'lastgood-0a1b2c', 'lastgood-0a1b2c']);
  });

  it('is named, with what ends it, when it goes on', async () => {
    const { connection } = server([[7, 12]]);
    await expect(waitForLeftSessions(connection, OURS, { timeoutMs: 1 })).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringMatching(
        /^sessions 7, 12 of a restore that was killed are still at work in the target \(/,
      ) as string,
      hint: expect.stringContaining('KILL 7; KILL 12;') as string,
    });
  });

  it('is nothing where the account is gone', async () => {
    const { connection, asked } = server([[7]]);
    await waitForLeftSessions(connection, marker(null), {});
    expect(asked).toEqual([]);
  });

  it('does not keep from interrupting', async () => {
    const { connection } = server([[7]]);
    const signal = AbortSignal.abort();
    await expect(waitForLeftSessions(connection, OURS, { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});
