import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { ArchiveWriter } from '../../../src/archive/archive-writer.ts';
import { ArchiveSession } from '../../../src/operations/archive-session.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';
import { silentLog } from '../../support/archiver.ts';

it('ends when it is told to while it asks for the dump', async () => {
  const controller = new AbortController();
  const connection = {
    flavor: 'mysql',
    options: { name: 'primary', host: '127.0.0.1', port: 3306, user: 'x', password: '', tls: 'off' },
    core: { stream: new PassThrough(), packetParser: {}, write: () => undefined },
    query: () => {
      controller.abort();
      return Promise.resolve([]);
    },
  } as unknown as ServerConnection;
  const writer = {
    failed: new Promise<never>(() => undefined),
    rotate: () => undefined,
    append: () => undefined,
    awaited: () => undefined,
  } as unknown as ArchiveWriter;
  const session = new ArchiveSession(null);
  const { signal } = controller;
  const start = { file: 'binlog.000001', position: 4 };
  const identity = { serverId: 1, serverUuid: null };
  const archiver = { serverId: 7, host: 'lastgood', uuid: '' };
  const streaming = { archiver, semiSync: false, identity, log: silentLog, signal };
  await session.run({ connection, writer, start, archived: null, ...streaming });
  expect(signal.aborted).toBe(true);
});
