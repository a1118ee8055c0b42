import { describe, expect, it } from 'vitest';
import { LastgoodError } from '../../../src/platform/errors.ts';
import { ExistingServer, type ExistingServerParts } from '../../../src/recovery/existing-server.ts';
import type { Marker } from '../../../src/recovery/restore-marker.ts';
import { Takeover } from '../../../src/recovery/takeover.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

const FORGET = "SET GLOBAL gtid_slave_pos = ''";

const never = new Promise<never>(() => undefined);

/** @param o.sent what the server is told; it is lost when its place is forgotten */
function serverThat(o: { sent: string[]; former: Marker | null; isFull?: boolean }): ExistingServer {
  const connection = {
    flavor: 'mariadb',
    options: { name: 'target', user: 'root', socket: '/run/s' },
    query: (sql: string, values: readonly unknown[] = []) => {
      o.sent.push([sql, ...values].join(' '));
      if (o.isFull === true && sql === 'SHOW ALL SLAVES STATUS') return never;
      if (sql === FORGET) return Promise.reject(new Error('lost'));
      return Promise.resolve(sql.includes('AS state') ? [{ state: '0-1-12' }] : []);
    },
    close: () => {
      o.sent.push('close');
      return Promise.resolve();
    },
  } as unknown as ServerConnection;
  const server = connection.options;
  const loan = [{ name: 'server_id', was: '500', during: '3141592653' }];
  return new ExistingServer({
    ...{ server, keeper: connection, admin: connection, facts: {}, warnings: [], former: o.former },
    takeover: new Takeover({ server, flavor: 'mariadb', host: 'localhost', loan }),
    temporaryFolder: { path: '/nowhere', [Symbol.asyncDispose]: () => Promise.resolve() },
    log: { error: () => undefined },
    ...(o.isFull === true ? { patienceMs: 10 } : {}),
  } as unknown as ExistingServerParts);
}

describe('a restore into an existing server that is given up', () => {
  it('cannot be gone on with before its place is forgotten: it would be applied once more', async () => {
    const sent: string[] = [];
    expect(await serverThat({ sent, former: null }).abandon(new Error('interrupted'))).toMatchObject({
      message: expect.stringContaining('was not put right: lost') as string,
    });
    expect(sent).toContain('SET GLOBAL server_id = 500');
    expect(sent.slice(-3)).toEqual([FORGET, 'close', 'close']);
  });

  it('is not waited for where its disk is full: it says what to run there, and its sessions are closed', async () => {
    const sent: string[] = [];
    const interrupted = new LastgoodError('INTERRUPTED', 'interrupted');
    expect(await serverThat({ sent, former: null, isFull: true }).abandon(interrupted)).toMatchObject({
      code: 'INTERRUPTED',
      message: `interrupted; the target (root@/run/s) may hold a part of the restore, and was not put right: 'SHOW ALL SLAVES STATUS' had no answer within 0.01 seconds: is its disk full?`,
      hint: expect.stringContaining('SET GLOBAL server_id = 500;') as string,
    });
    expect(sent).toEqual(['SELECT 1', 'SHOW ALL SLAVES STATUS', 'close', 'close']);
  });

  it('stays proven, and as it is, where it only was to be proven again', async () => {
    const sent: string[] = [];
    const former = { note: { phase: 'proven' }, borrowed: [], account: null } as unknown as Marker;
    const error = await serverThat({ sent, former }).abandon(new LastgoodError('INTERRUPTED', 'interrupted'));
    expect(error).toMatchObject({
      code: 'INTERRUPTED',
      message: 'interrupted; the target (root@/run/s) holds a proven restore, not handed over yet',
      hint: expect.stringContaining('--resume --server FILE') as string,
    });
    expect(sent.find((statement) => statement.startsWith('REPLACE'))).toContain('"phase":"proven"');
    expect(sent.join()).not.toMatch(/DROP|SET GLOBAL/);
  });
});
