import { expect, it } from 'vitest';
import { isLastgoodError } from '../../../src/platform/errors.ts';
import { answers } from '../../../src/recovery/answers.ts';
import { replay } from '../../../src/recovery/replay.ts';
import { readTableStates } from '../../../src/recovery/table-state.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';
import { silentLog } from '../../support/archiver.ts';
import { MARIADB_SOURCE } from '../../support/served-identity.ts';

const never = new Promise<never>(() => undefined);

/** As one whose relay log has no room: it answers until its applier's status is asked for the second time, and then nothing. */
function targetThatHangs(asked: () => void): ServerConnection {
  let statuses = 0;
  let hangs = false;
  const query = (sql: string): Promise<unknown[]> => {
    hangs ||= sql === 'SHOW SLAVE STATUS' && ++statuses === 2;
    if (!hangs) return Promise.resolve(sql === 'SHOW SLAVE STATUS' ? [{}] : []);
    asked();
    return never;
  };
  return { flavor: 'mariadb', options: { name: 'target', user: 'u' }, query } as unknown as ServerConnection;
}

const RANGE = {
  ...{ file: 'binlog.000001', from: 4, to: 100, formatEvent: Buffer.alloc(0), checksum: 'none' as const },
  open: () => never,
};

it('a replay can be interrupted while its target does not answer', async () => {
  const controller = new AbortController();
  const target = targetThatHangs(() => {
    controller.abort();
  });
  const options = { target, identity: MARIADB_SOURCE, ranges: [RANGE], log: silentLog, signal: controller.signal };
  await expect(replay(options, 10)).rejects.toSatisfy((error) => isLastgoodError(error, 'INTERRUPTED'));
});

it('the reading of one large table can be interrupted', async () => {
  const controller = new AbortController();
  const query = (sql: string): Promise<unknown[]> => {
    if (!sql.startsWith('CHECKSUM')) return Promise.resolve([]);
    controller.abort();
    return never;
  };
  const target = { query } as unknown as ServerConnection;
  const read = readTableStates(target, [{ schema: 'shop', name: 'large' }], { signal: controller.signal });
  await expect(read).rejects.toSatisfy((error) => isLastgoodError(error, 'INTERRUPTED'));
});

it('a target that does not answer is not waited for for ever', async () => {
  const target = { query: () => never } as unknown as ServerConnection;
  expect(await answers(target, 10)).toBe(false);
  expect(await answers({ query: () => Promise.resolve([]) } as unknown as ServerConnection)).toBe(true);
});
