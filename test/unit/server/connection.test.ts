import { getEventListeners, once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { watchSemiSync } from '../../../src/operations/semi-sync-watch.ts';
import { waitFor } from '../../../src/platform/wait.ts';
import { connect } from '../../../src/server/connection.ts';
import type { ServerOptions } from '../../../src/server/server-options.ts';

interface PretendedServer extends AsyncDisposable {
  readonly primary: ServerOptions;
  /** What clients asked for. */
  readonly asked: readonly string[];
}

const OK = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
const COM_QUERY = 3;

function packet(sequence: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  header[3] = sequence;
  return Buffer.concat([header, payload]);
}

/** Source: MySQL source docs, Protocol::HandshakeV10. */
function greeting(): Buffer {
  return Buffer.concat([
    Buffer.from([10]),
    Buffer.from('10.11.0-MariaDB\0'),
    Buffer.from([1, 0, 0, 0]), // the thread's number
    Buffer.from('12345678\0'),
    Buffer.from([0x00, 0x82, 45, 2, 0, 0x08, 0, 21]), // protocol 4.1, secure connection, plugin names
    Buffer.alloc(10),
    Buffer.from('123456789012\0'),
    Buffer.from('mysql_native_password\0'),
  ]);
}

/** Lets everyone in and answers OK to SET; what it is asked else goes to `answer`. */
async function pretendServer(answer: (socket: Socket) => void): Promise<PretendedServer> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // cut by the client
    socket.write(packet(0, greeting()));
    socket.once('data', () => {
      socket.write(packet(2, OK));
      socket.on('data', (chunk) => {
        if (chunk[4] !== COM_QUERY) return;
        const sql = chunk.toString('utf8', 5);
        asked.push(sql);
        if (sql.startsWith('SET')) socket.write(packet(1, OK));
        else if (sql.startsWith('SELECT VERSION')) socket.write(oneValue('version', '10.11.0-MariaDB'));
        else answer(socket);
      });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    primary: { name: 'shop', host: '127.0.0.1', port, user: 'root', password: '', tls: 'off' },
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Source: MySQL source docs, text resultset. */
function oneValue(column: string, value: string): Buffer {
  const text = (words: string): Buffer => Buffer.concat([Buffer.from([words.length]), Buffer.from(words)]);
  const definition = [text('def'), text(''), text(''), text(''), text(column), text('')];
  const type = Buffer.from([12, 45, 0, 0, 1, 0, 0, 253, 0, 0, 0, 0, 0]);
  const end = Buffer.from([0xfe, 0, 0, 2, 0]);
  return Buffer.concat([
    packet(1, Buffer.from([1])),
    packet(2, Buffer.concat([...definition, type])),
    packet(3, end),
    packet(4, text(value)),
    packet(5, end),
  ]);
}

describe('a question that the server does not answer', () => {
  it.each([
    [1927, 'SERVER_UNREACHABLE'], // the session was killed
    [1053, 'SERVER_UNREACHABLE'], // the server is shutting down
    [1317, 'SERVER_QUERY_FAILED'], // KILL QUERY: the session goes on
    [1227, 'PRIVILEGE_MISSING'],
  ])('because of error %d is %s', async (errno, code) => {
    const refusal = Buffer.from([0xff, errno & 0xff, errno >> 8, ...Buffer.from('#HY000no')]);
    await using server = await pretendServer((socket) => socket.write(packet(1, refusal)));
    await using connection = await connect(server.primary);
    await expect(connection.query('SHOW BINARY LOGS')).rejects.toMatchObject({ code, details: { errno } });
  });
});

describe('a connection with a signal', () => {
  it('ends its question at once when the signal comes', async () => {
    await using server = await pretendServer(() => undefined);
    const over = new AbortController();
    await using connection = await connect(server.primary, { signal: over.signal });
    const listing = connection.query('SHOW BINARY LOGS');
    listing.catch(() => undefined); // looked at below
    await waitFor(() => server.asked.includes('SHOW BINARY LOGS'), { timeoutMs: 5000, what: 'the question' });
    over.abort();
    await expect(listing).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });

  it('is not made when the signal came before', async () => {
    await using server = await pretendServer(() => undefined);
    const connecting = connect(server.primary, { signal: AbortSignal.abort() });
    await expect(connecting).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
    expect(server.asked).toEqual([]);
  });

  it('leaves nothing with the signal, however often it is lost', async () => {
    await using server = await pretendServer((socket) => socket.destroy());
    const over = new AbortController();
    const log = pino({ level: 'silent' });
    const watching = watchSemiSync(server.primary, { log, signal: over.signal, everyMs: 1 });
    const questions = (): number => server.asked.filter((sql) => sql.startsWith('SHOW')).length;
    await waitFor(() => questions() >= 10, { timeoutMs: 5000, what: 'ten losses' });
    expect(getEventListeners(over.signal, 'abort').length).toBeLessThan(4);
    over.abort();
    await watching;
  });
});
