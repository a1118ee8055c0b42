import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { json } from 'node:stream/consumers';
import type { AlertMessage } from '../../src/operations/alerts/alert-message.ts';
import { waitFor } from '../../src/platform/wait.ts';

/** One request, and when it was there whole, as performance.now() says. */
export interface ReceivedAlert {
  readonly message: AlertMessage;
  readonly idempotencyKey: string;
  readonly at: number;
}

/** A real HTTP listener that alerts are posted to. */
export interface AlertListener extends AsyncDisposable {
  readonly url: string;
  readonly received: readonly ReceivedAlert[];
  /** What it does with each request from now on; it answers 200 when nothing else was said. */
  answer(how: (response: ServerResponse) => void): void;
  /** Waits until so many have come. */
  until(count: number): Promise<readonly ReceivedAlert[]>;
  /** Nobody listens any more; `up` takes the same port again. */
  down(): Promise<void>;
  up(): Promise<void>;
}

export async function startAlertListener(): Promise<AlertListener> {
  const received: ReceivedAlert[] = [];
  let how = answerOk;
  let server: Server | null = null;
  let port = 0;
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'POST')
      received.push({
        message: (await json(request)) as AlertMessage,
        idempotencyKey: String(request.headers['idempotency-key']),
        at: performance.now(),
      });
    how(response);
  };
  const up = async (): Promise<void> => {
    server = createServer((request, response) => void take(request, response));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    ({ port } = server.address() as AddressInfo);
  };
  const down = async (): Promise<void> => {
    const closed = server === null ? null : once(server, 'close');
    server?.close();
    server?.closeAllConnections();
    server = null;
    await closed;
  };
  await up();
  return {
    url: `http://127.0.0.1:${port}/hook/secret-token`,
    received,
    answer: (next) => {
      how = next;
    },
    until: async (count) => {
      await waitFor(() => received.length >= count, { timeoutMs: 20_000, intervalMs: 5, what: `${count} alerts` });
      return received;
    },
    down,
    up,
    [Symbol.asyncDispose]: down,
  };
}

function answerOk(response: ServerResponse): void {
  response.end('ok');
}
