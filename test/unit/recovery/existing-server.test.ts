import { describe, expect, it } from 'vitest';
import { ExistingServer, type ExistingServerParts } from '../../../src/recovery/existing-server.ts';
import { Takeover } from '../../../src/recovery/takeover.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

describe('a restore into an existing server that is given up', () => {
  it('cannot be gone on with before its place is forgotten: it would be applied once more', async () => {
    const sent: string[] = [];
    const connection = {
      flavor: 'mariadb',
      options: { name: 'target', user: 'root', socket: '/run/s' },
      query: (sql: string) => {
        sent.push(sql);
        if (sql.startsWith("SET GLOBAL gtid_slave_pos = ''")) return Promise.reject(new Error('lost'));
        return Promise.resolve(sql.includes('AS state') ? [{ state: '0-1-12' }] : []);
      },
      close: () => Promise.resolve(),
    } as unknown as ServerConnection;
    const loan = [{ name: 'server_id', was: '500', during: '3141592653' }];
    const takeover = new Takeover({ server: connection.options, flavor: 'mariadb', host: 'localhost', loan });
    const parts = {
      server: connection.options,
      keeper: connection,
      admin: connection,
      takeover,
      facts: {},
      warnings: [],
    };
    const temporaryFolder = { path: '/nowhere', [Symbol.asyncDispose]: () => Promise.resolve() };
    const log = { error: () => undefined };
    const target = new ExistingServer({ ...parts, temporaryFolder, log } as unknown as ExistingServerParts);

    expect(await target.abandon(new Error('interrupted'))).toMatchObject({
      message: expect.stringContaining('was not put right: lost') as string,
    });

    expect(sent.slice(-2)).toEqual([
      expect.stringContaining('gtid_slave_pos AS state'),
      "SET GLOBAL gtid_slave_pos = ''",
    ]);
    expect(sent).toContain('SET GLOBAL server_id = 500');
  });
});
